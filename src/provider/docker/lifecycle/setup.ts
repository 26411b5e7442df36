import { fault, ok, type Outcome } from '../../../workspace/fault.ts'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import { followProcess } from '../../follow-process.ts'
import type { Guest } from '../../guest.ts'
import { lifecycleCommands, runLifecycleCommands } from '../../setup.ts'
import type { Engine } from '../engine/engine.ts'
import { containerLiveness } from '../observe/liveness.ts'

/**
 * Step `setup`: gives the workspace folder to the spec's user, and runs the lifecycle commands as that user in that folder. May be
 * repeated.
 */
export async function setup(
  engine: Engine,
  guest: Guest,
  workspace: WorkspaceRef,
  signal: AbortSignal,
  onProgress: (text: string) => void,
  onOutput?: (command: string, output: OutputChunk) => void,
): Promise<Outcome<void>> {
  const { containerId, spec, prepared } = workspace
  if (containerId === null) return fault('missing', 'There is no container to set up.')
  const chownsFolder = !prepared && spec.remoteUser !== null && !/^(root|0)(:|$)/.test(spec.remoteUser)
  const commandCount = lifecycleCommands(workspace).length
  // The command that replaces the image's own runs until it is stopped. The image's own may exit at once.
  if (commandCount === 0 && !chownsFolder && spec.overrideCommand) return ok(undefined)

  const container = { workspaceId: workspace.id, containerId }
  const liveness = await containerLiveness(engine, container, signal)
  if (!liveness.ok) return liveness
  if (chownsFolder) await chownWorkspaceFolder(guest, workspace, engine.timeouts.readMs, signal)
  const deps = {
    guest,
    timeoutMs: engine.timeouts.commandMs,
    mayHaveLeftovers: liveness.value.busy,
    checkRunning: (checkSignal: AbortSignal) => containerLiveness(engine, container, checkSignal),
  }
  return runLifecycleCommands(deps, workspace, signal, onProgress, onOutput)
}

/**
 * The engine creates the folder as root, and a user who may not write there can do nothing. A failure is ignored: the image may have laid
 * the folder out on purpose.
 */
async function chownWorkspaceFolder(
  guest: Guest,
  workspace: WorkspaceRef,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const argv = ['chown', workspace.spec.remoteUser ?? '', workspace.spec.workspaceFolder]
  const command = { tag: 'setup-chown', argv, env: {}, cwd: '/', user: '0', stdin: false, terminal: null }
  const started = await guest.exec(workspace, command, signal)
  if (!started.ok) return
  const { kind } = await followProcess(started.value, timeoutMs, signal)
  if (kind !== 'exited') started.value.detach()
}
