// One command that runs in a workspace.
//   X1. It runs on without readers: a client that disconnects neither ends nor blocks it.
//   X2. Its end is reported after all of its output, and recorded at once.
import type { Readable } from 'node:stream'
import type { ExecEnding } from '../../persistence/exec-log.ts'
import type { GuestProcess } from '../../provider/guest.ts'
import type { Clock } from '../../workspace/clock.ts'
import type { Outcome } from '../../workspace/fault.ts'
import { ok } from '../../workspace/fault.ts'
import type { ProcessSignal } from '../../workspace/guest-process.ts'
import { toExecEnding } from '../session-log.ts'
import { settlesWithin } from '../timeouts.ts'
import type { StdinResult } from './exec-stdin.ts'
import { streamedStdin } from './exec-stdin.ts'
import type { OutputLimits } from './output-buffer.ts'
import { outputBuffer } from './output-buffer.ts'
import { formatEndLine } from './output-line.ts'
import type { AttachResult, ReadPosition } from './output-readers.ts'
import { outputReaders } from './output-readers.ts'
import { utf8Chunker } from './utf8-chunker.ts'

export interface ExecSessionDeps {
  readonly guestProcess: GuestProcess
  readonly startedAt: number
  /** `stream`: the input arrives later, through `pipeStdin`. */
  readonly input: Buffer | 'stream' | null
  readonly timeoutMs: number | null
  readonly stallTimeoutMs: number
  readonly limits: OutputLimits
  /** How many bytes of output may be buffered now. */
  readonly bufferBudget: () => number
  readonly clock: Clock
  readonly onEnded: (ending: ExecEnding) => void
}

export type ExecSession = ReturnType<typeof execSession>

/** Why the service killed a command. */
type KillReason = 'timeout' | 'stdin-cut-off'

/** After a kill that the engine refused. */
const killRetryMs = 1000
/** How long the end of a killed command waits for the kill to reach all that it had started. */
const killWaitMs = 5000
/** How long `close` waits for the end of a command that it has to kill. */
const closeTimeoutMs = 5000

/** Reads the output of a command that was started, and ends the command at its timeout. */
export function execSession({ guestProcess, startedAt, input, limits, clock, ...deps }: ExecSessionDeps) {
  const output = outputBuffer(limits, deps.bufferBudget)
  const readers = outputReaders(output, clock, deps.stallTimeoutMs)
  const chunkers = { stdout: utf8Chunker(limits.maxLineBytes), stderr: utf8Chunker(limits.maxLineBytes) }
  const killer = commandKiller(guestProcess, clock)
  let hasEnded = false
  let isDetached = false
  const cancelTimeout =
    deps.timeoutMs === null ? () => {} : clock.timer(deps.timeoutMs, () => void killer.kill('timeout'))
  const stdinPipe = streamedStdin({
    stdin: input === 'stream' ? guestProcess.stdin : null,
    ended: guestProcess.exited,
    onInputAborted: () => killer.kill('stdin-cut-off'),
  })

  const ending = guestProcess.exited.then(async (exit) => {
    hasEnded = true
    killer.disable()
    cancelTimeout()
    const execEnding = killer.explain(toExecEnding(exit, clock.now()))
    // A command is reported as killed once all that it had started is gone too.
    await killer.whenKilled()
    if (!isDetached) deps.onEnded(execEnding)
    return execEnding
  })

  function appendAll(stream: 'stdout' | 'stderr', chunks: readonly Buffer[]) {
    for (const chunk of chunks) output.append(stream, chunk)
  }

  async function readOutput(): Promise<void> {
    for await (const { stream, bytes } of guestProcess.output) {
      appendAll(stream, chunkers[stream].push(bytes))
      readers.wakeAll()
      if (output.isFull()) await readers.makeRoom()
    }
    for (const stream of ['stdout', 'stderr'] as const) appendAll(stream, chunkers[stream].flush())
    const execEnding = await ending
    if (isDetached) return
    output.end((seq) => formatEndLine(seq, startedAt, execEnding))
    readers.wakeAll()
  }

  if (Buffer.isBuffer(input)) guestProcess.stdin?.end(input)
  const drained = readOutput()

  return {
    hasEnded: () => hasEnded,
    bufferedBytes: output.bufferedBytes,
    /** Settles when the command has ended and all its output was read. Never rejects. */
    drained,
    /** Attaches a reader of the output. `wake` is called when there is more to read. */
    attach: (position: ReadPosition, wake: () => void): AttachResult => readers.attach(position, wake),
    /** Pipes a source into the command's input. Never rejects. */
    pipeStdin: (source: Readable): Promise<StdinResult> => stdinPipe.pipeFrom(source),
    /** Sends a signal to all that the command started. A command that has ended is success. */
    signal: async (signal: ProcessSignal): Promise<Outcome<void>> =>
      hasEnded ? ok(undefined) : guestProcess.signal(signal),
    /**
     * Leaves the command running after the service ends (law 12); its end is no longer recorded. A command that still waits for input would
     * take the end of the service for the end of that input, so it is killed.
     */
    async close(): Promise<void> {
      const stdinFlushed = guestProcess.stdin === null || guestProcess.stdin.writableFinished
      if (!hasEnded && !stdinFlushed)
        await settlesWithin(
          clock,
          closeTimeoutMs,
          killer.kill('stdin-cut-off').then(() => ending),
        )
      isDetached = true
      killer.disable()
      cancelTimeout()
      readers.detachAll()
      guestProcess.detach()
    },
  }
}

/** Kills a command for the first reason that occurs, and retries until the engine accepts the kill. */
function commandKiller(guestProcess: GuestProcess, clock: Clock) {
  let reason: KillReason | null = null
  let killing: Promise<void> | null = null
  let disabled = false

  async function killWithRetry(): Promise<void> {
    const outcome = await guestProcess.signal('SIGKILL')
    if (outcome.ok || disabled || (await settlesWithin(clock, killRetryMs, guestProcess.exited))) return
    await killWithRetry()
  }

  return {
    /** Settles when none of the command's processes runs, or when it can no longer be killed. */
    kill(killReason: KillReason): Promise<void> {
      if (disabled) return Promise.resolve()
      reason ??= killReason
      killing ??= killWithRetry()
      return killing
    },
    /** Ignores later kills, since the command has ended or was detached. */
    disable(): void {
      disabled = true
    },
    /** Waits for a kill that is under way, up to five seconds. */
    async whenKilled(): Promise<void> {
      if (killing) await settlesWithin(clock, killWaitMs, killing)
    },
    /** The end of the command, with the reason of the kill unless the command exited by itself before the kill reached it. */
    explain(ending: ExecEnding): ExecEnding {
      const exitedByItself = ending.exitCode !== null && ending.exitCode !== 137
      return reason === null || exitedByItself ? ending : { ...ending, exitCode: null, signal: null, error: reason }
    },
  }
}
