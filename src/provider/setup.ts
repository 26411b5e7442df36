import { setTimeout as delay } from 'node:timers/promises'
import { fault, ok, type Outcome } from '../workspace/fault.ts'
import type { GuestCommand, OutputChunk, ProcessExit } from '../workspace/guest-process.ts'
import type { LifecycleCommand } from '../workspace/spec.ts'
import type { WorkspaceRef } from '../workspace/workspace-ref.ts'
import { followProcess } from './follow-process.ts'
import type { Guest, GuestProcess } from './guest.ts'
import type { OutputTail } from './output-tail.ts'
import { throttle } from './throttle.ts'

/** What lifecycle commands need of a provider. */
export interface LifecycleCommandDeps {
  readonly guest: Pick<Guest, 'exec' | 'killLeftover'>
  /** Limit for one command. */
  readonly timeoutMs: number
  /** False if the provider knows that no earlier setup has left a command running. */
  readonly mayHaveLeftovers: boolean
  /** A fault if the workspace is not running: a command that fails because its workspace stopped did nothing wrong. */
  checkRunning(signal: AbortSignal): Promise<Outcome<unknown>>
}

const progressIntervalMs = 1_000
/** Docker kills the commands of a container first, and reports the container as stopped a moment later. */
const stopReportMs = 500
/** A setup whose signal is aborted has to settle soon, however long the kill takes. */
const abortedKillMs = 2_000

/** The lifecycle commands that a setup of `workspace` runs, in order. The first two kinds run once per container. */
export function lifecycleCommands({ spec, prepared }: WorkspaceRef): readonly LifecycleCommand[] {
  return prepared ? spec.postStart : [...spec.onCreate, ...spec.postCreate, ...spec.postStart]
}

/**
 * Runs the lifecycle commands of a running workspace in order, up to the first that fails, as `Provider.setup` promises. May be repeated:
 * what an earlier setup left running of the same commands is killed first (law 3).
 */
export async function runLifecycleCommands(
  deps: LifecycleCommandDeps,
  workspace: WorkspaceRef,
  signal: AbortSignal,
  onProgress: (text: string) => void,
  onOutput: (command: string, output: OutputChunk) => void = () => undefined,
): Promise<Outcome<void>> {
  const commands = lifecycleCommands(workspace)
  for (const { name } of deps.mayHaveLeftovers ? commands : []) {
    const killed = await deps.guest.killLeftover(workspace, commandTag(name), signal)
    if (!killed.ok) return killed
  }
  const reportProgress = throttle(onProgress, progressIntervalMs, () => performance.now())
  for (const command of commands) {
    const { name } = command
    if (signal.aborted) return fault('transient', `The setup was cancelled before ${name} ran.`)
    onProgress(`running ${name}`)
    const result = await runLifecycleCommand(deps, workspace, command, signal, (chunk, tail) => {
      onOutput(name, chunk)
      reportProgress(() => `${name}: ${tail.lastLine()}`)
    })
    if (!result.ok) return result
  }
  return ok(undefined)
}

async function runLifecycleCommand(
  deps: LifecycleCommandDeps,
  workspace: WorkspaceRef,
  { name, run }: LifecycleCommand,
  signal: AbortSignal,
  onOutput: (chunk: OutputChunk, tail: OutputTail) => void,
): Promise<Outcome<void>> {
  const command: GuestCommand = {
    tag: commandTag(name),
    argv: typeof run === 'string' ? ['/bin/sh', '-c', run] : run,
    env: {},
    cwd: null,
    user: null,
    stdin: false,
    terminal: null,
  }
  const started = await deps.guest.exec(workspace, command, signal)
  if (!started.ok) {
    if (signal.aborted || started.fault.kind === 'unavailable') return started
    const running = await deps.checkRunning(signal)
    return running.ok ? fault(started.fault.kind, `${name} did not start: ${started.fault.message}`) : running
  }
  const result = await followProcess(started.value, deps.timeoutMs, signal, onOutput)
  if (result.kind === 'exited' && result.exit.kind === 'exited' && result.exit.code === 0) return ok(undefined)
  if (result.kind === 'aborted') {
    await Promise.race([kill(started.value), delay(abortedKillMs)])
    return fault('transient', `The setup was cancelled while ${name} ran.`)
  }
  if (result.kind === 'timed-out') await kill(started.value)
  else if (result.exit.kind === 'exited' && result.exit.code === 137)
    await delay(stopReportMs, undefined, { signal }).catch(() => undefined)
  const running = await deps.checkRunning(signal)
  if (!running.ok) return running
  const lastLines = result.output.tail()
  const output = lastLines === '' ? 'It wrote nothing.' : `Its last lines:\n${lastLines}`
  if (result.kind === 'timed-out')
    return fault('permanent', `${name} did not finish within ${duration(deps.timeoutMs)} and was killed. ${output}`)
  if (result.exit.kind === 'lost')
    return fault('transient', `The connection to ${name} was lost: ${result.exit.message}`)
  return fault('permanent', `${name} ${failure(result.exit)}. ${output}`)
}

/** Names the processes of a command, whatever characters the template put into its name. */
function commandTag(name: string): string {
  return `setup-${Buffer.from(name).toString('hex')}`
}

async function kill(process: GuestProcess): Promise<void> {
  await process.signal('SIGKILL')
  process.detach()
}

function failure(exit: Exclude<ProcessExit, { kind: 'lost' }>): string {
  if (exit.kind === 'killed') return `was killed by ${exit.signal}`
  return `failed with exit code ${exit.code}${exit.code === 137 ? ' (killed, perhaps for memory)' : ''}`
}

function duration(ms: number): string {
  return ms >= 60_000 ? `${ms / 60_000} minutes` : `${ms / 1_000} seconds`
}
