import { mkdir } from 'node:fs/promises'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceSpec } from '../../../workspace/spec.ts'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import { type LifecycleCommandResult, runLifecycleCommand } from './lifecycle-command.ts'
import type { WorkspaceDirectory } from '../keeper/workspace-directory.ts'
import { terminateProcesses } from '../keeper/stop.ts'
import {
  lifecycleCommandVariable,
  workspaceEnvironment,
  incarnationVariable,
  keeperNumberVariable,
  workspaceTagVariables,
} from '../keeper/environment.ts'
import type { ProcessHost } from '../host/host.ts'
import { runningKeeper } from '../keeper/keeper.ts'

/** Runs the recipe's lifecycle commands in the running workspace, in order, as far as the first that fails. */
export async function setup(
  host: ProcessHost,
  directory: WorkspaceDirectory,
  workspace: WorkspaceRef,
  signal: AbortSignal,
  progress: (text: string) => void,
  onOutput: (command: string, output: OutputChunk) => void,
): Promise<Outcome<void>> {
  const { id, spec } = workspace
  const keeper = await runningKeeper(host, directory)
  if (keeper === null) return fault('transient', 'The workspace does not run. Start it, then its commands can be run.')
  // A service that was killed in mid-setup has left its commands running, and they would get in the way of the same ones now (law 3).
  const isLifecycleProcess = ({ variables }: { variables: Readonly<Record<string, string>> }) =>
    lifecycleCommandVariable in variables
  const cleanup = await terminateProcesses(host, id, signal, { graceMs: host.graceMs, filter: isLifecycleProcess })
  if (!cleanup.ok) return cleanup
  await mkdir(directory.home, { recursive: true, mode: 0o700 })
  const keeperTags = { [incarnationVariable]: directory.incarnation, [keeperNumberVariable]: String(keeper.number) }
  const tags = { ...workspaceTagVariables(host.installation, id), ...keeperTags, [lifecycleCommandVariable]: '1' }
  const env = workspaceEnvironment(spec, directory, host.path, tags)
  // A halt ends the keeper first and then looks for processes. So a command that still sees the keeper is found by it.
  const mayRun = () => host.processTable.isAlive(keeper.claim)
  for (const command of lifecycleCommandsFor(spec, workspace.prepared)) {
    if (signal.aborted) return fault('transient', `${command.name} was not run: nobody waits for it any more.`)
    progress(`Running ${command.name}`)
    const result = await runLifecycleCommand(command, directory, {
      env,
      timeoutMs: host.commandTimeoutMs,
      signal,
      mayRun,
      onOutput: (output) => onOutput(command.name, output),
    })
    if (result.kind === 'exited' && result.code === 0) continue
    if (!(await mayRun())) return fault('transient', `The workspace was ended while ${command.name} ran.`)
    if (signal.aborted) return fault('transient', `${command.name} was killed: nobody waits for it any more.`)
    return fault('permanent', `${command.name} ${describeFailure(result, host.commandTimeoutMs)}`)
  }
  return ok(undefined)
}

function lifecycleCommandsFor({ onCreate, postCreate, postStart }: WorkspaceSpec, prepared: boolean) {
  return prepared ? postStart : [...onCreate, ...postCreate, ...postStart]
}

function describeFailure(result: LifecycleCommandResult, timeoutMs: number): string {
  if (result.kind === 'spawn-failed') return `could not be started: ${result.reason}`
  if (result.kind === 'exited') return `failed with exit code ${result.code}.${describeOutput(result.output)}`
  if (result.kind === 'killed') return `was killed by ${result.signal}.${describeOutput(result.output)}`
  return `was killed: it had not ended after ${timeoutMs / 1000} seconds.${describeOutput(result.output)}`
}

function describeOutput(output: string): string {
  return output === '' ? ' It printed nothing.' : ` It last printed:\n${output}`
}
