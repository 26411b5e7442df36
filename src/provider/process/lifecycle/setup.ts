import { fault, ok, type Outcome } from '../../../workspace/fault.ts'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import { type LifecycleCommandDeps, runLifecycleCommands } from '../../setup.ts'
import { killProcessesByTag, spawnGuestProcess } from '../guest/spawn-guest-process.ts'
import { spawnToFile } from '../guest/spawn-to-file.ts'
import type { ProcessHost } from '../host/host.ts'
import { runningKeeper } from '../keeper/keeper.ts'
import type { WorkspaceDirectory } from '../keeper/workspace-directory.ts'

/** Step `setup`: runs the lifecycle commands in the workspace's home. May be repeated. */
export async function setup(
  host: ProcessHost,
  directory: WorkspaceDirectory,
  workspace: WorkspaceRef,
  signal: AbortSignal,
  onProgress: (text: string) => void,
  onOutput?: (command: string, output: OutputChunk) => void,
): Promise<Outcome<void>> {
  async function checkRunning(): Promise<Outcome<void>> {
    if ((await runningKeeper(host, directory)) !== null) return ok(undefined)
    return fault('transient', 'The workspace is not running. Start it to run its lifecycle commands.')
  }
  const running = await checkRunning()
  if (!running.ok) return running
  const deps: LifecycleCommandDeps = {
    guest: {
      exec: (target, command, execSignal) =>
        spawnGuestProcess(host, directory, target, command, execSignal, (request) => spawnToFile(request, directory)),
      killLeftover: (target, tag, killSignal) => killProcessesByTag(host, target, tag, killSignal),
    },
    timeoutMs: host.commandTimeoutMs,
    mayHaveLeftovers: true,
    checkRunning,
  }
  return runLifecycleCommands(deps, workspace, signal, onProgress, onOutput)
}
