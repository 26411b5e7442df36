// One command that runs, whoever reads it.
//   X1. It goes on without readers, and ends when it ends: nobody who left holds it up.
//   X2. Its end is told after all of its output, and written down at once.
import type { Readable } from 'node:stream'
import type { ExecEnding } from '../../persistence/exec-log.ts'
import type { GuestProcess } from '../../provider/guest.ts'
import type { Outcome } from '../../workspace/fault.ts'
import { ok } from '../../workspace/fault.ts'
import type { ProcessExit, OutputChunk, ProcessSignal } from '../../workspace/guest-process.ts'
import { settlesWithin } from '../settles-within.ts'
import type { StdinResult } from './exec-stdin.ts'
import { streamedStdin } from './exec-stdin.ts'
import type { OutputLimits } from './output-buffer.ts'
import { outputBuffer } from './output-buffer.ts'
import { formatEndLine } from './output-line.ts'
import type { AttachResult, ReadPosition } from './output-readers.ts'
import { outputReaders } from './output-readers.ts'
import { toExecEnding } from './exec-registry.ts'
import { utf8Chunker } from './utf8-chunker.ts'

export interface ExecSessionDeps {
  readonly guestProcess: GuestProcess
  readonly startedAt: number
  /** `stream`: it comes later. */
  readonly input: Buffer | 'stream' | null
  readonly timeoutMs: number | null
  readonly stallTimeoutMs: number
  readonly limits: OutputLimits
  /** How many bytes of output it may keep now. */
  readonly bufferBudget: () => number
  readonly now: () => number
  readonly onEnded: (ending: ExecEnding) => void
}

export type ExecSession = ReturnType<typeof execSession>

/** Why we have killed it. */
type KillReason = 'timeout' | 'stdin-cut-off'

/** A kill that an engine did not take is tried again. */
const killRetryMs = 1000
/** Its end is told after so long, whatever has become of what it had started. */
const killWaitMs = 5000

export function execSession({
  guestProcess,
  startedAt,
  input,
  timeoutMs,
  stallTimeoutMs,
  limits,
  bufferBudget,
  now,
  ...deps
}: ExecSessionDeps) {
  const output = outputBuffer(limits, bufferBudget)
  const readers = outputReaders(output, stallTimeoutMs)
  const chunkers = { stdout: utf8Chunker(limits.maxLineBytes), stderr: utf8Chunker(limits.maxLineBytes) }
  let killReason: KillReason | null = null
  let killing: Promise<void> | null = null
  let hasEnded = false
  let isDetached = false

  const ending = guestProcess.exited.then(async (exit) => {
    hasEnded = true
    clearTimeout(timeoutTimer)
    const execEnding = toEnding(exit)
    // What it had started is gone too when it is told that it was killed.
    if (killing) await settlesWithin(killWaitMs, killing)
    if (!isDetached) deps.onEnded(execEnding)
    return execEnding
  })
  const timeoutTimer = timeoutMs === null ? undefined : setTimeout(() => void kill('timeout'), timeoutMs)
  const stdinPipe = streamedStdin({
    stdin: input === 'stream' ? guestProcess.stdin : null,
    ended: guestProcess.exited,
    onInputAborted: () => kill('stdin-cut-off'),
  })

  function toEnding(exit: ProcessExit): ExecEnding {
    const exitEnding = toExecEnding(exit, now())
    // It may have ended by itself before the kill reached it.
    const isKilled = exit.kind !== 'exited' || exit.code === 137
    return killReason !== null && isKilled
      ? { ...exitEnding, exitCode: null, signal: null, error: killReason }
      : exitEnding
  }

  function kill(reason: KillReason): Promise<void> {
    if (hasEnded || isDetached) return Promise.resolve()
    killReason ??= reason
    killing ??= killWithRetry()
    return killing
  }

  async function killWithRetry(): Promise<void> {
    const outcome = await guestProcess.signal('SIGKILL')
    if (outcome.ok || isDetached || (await settlesWithin(killRetryMs, guestProcess.exited))) return
    await killWithRetry()
  }

  function appendOutput({ stream }: Pick<OutputChunk, 'stream'>, chunks: readonly Buffer[]) {
    for (const chunk of chunks) output.append(stream, chunk)
  }

  async function readOutput(): Promise<void> {
    for await (const chunk of guestProcess.output) {
      appendOutput(chunk, chunkers[chunk.stream].push(chunk.bytes))
      readers.wakeAll()
      if (output.isFull()) await readers.makeRoom()
    }
    for (const stream of ['stdout', 'stderr'] as const) appendOutput({ stream }, chunkers[stream].flush())
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
    /** Settles when it has ended and its output was read. Never rejects. */
    drained,
    attach: (position: ReadPosition, wake: () => void): AttachResult => readers.attach(position, wake),
    /** Gives it its input. */
    pipeStdin: (source: Readable): Promise<StdinResult> => stdinPipe.pipeFrom(source),
    /** Sends a signal to all that it started. Ended already is success. */
    signal: async (signal: ProcessSignal): Promise<Outcome<void>> =>
      hasEnded ? ok(undefined) : guestProcess.signal(signal),
    /**
     * Leaves it as it is, with the service (law 12): nobody hears of it any more. But one whose input is not through would take the end of
     * the service for the end of that: it is killed.
     */
    async detach(timeoutMs: number): Promise<void> {
      const stdinFlushed = guestProcess.stdin === null || guestProcess.stdin.writableFinished
      if (!hasEnded && !stdinFlushed)
        await settlesWithin(
          timeoutMs,
          kill('stdin-cut-off').then(() => ending),
        )
      isDetached = true
      clearTimeout(timeoutTimer)
      readers.detachAll()
      guestProcess.detach()
    },
  }
}
