// One command that runs, whoever reads it.
//   X1. It goes on without readers, and ends when it ends: nobody who left holds it up.
//   X2. Its end is told after all of its output, and written down at once.
import type { Readable } from 'node:stream'
import type { RunEnding } from '../persistence/exec-log.ts'
import type { Run } from '../provider/inside.ts'
import type { Outcome } from '../workspace/fault.ts'
import { done } from '../workspace/fault.ts'
import type { RunEnd, RunOutput, RunSignal } from '../workspace/run.ts'
import { within } from './deadline.ts'
import type { Fed } from './exec-input.ts'
import { laterInput } from './exec-input.ts'
import type { KeptLimits } from './kept-output.ts'
import { keptOutput } from './kept-output.ts'
import { endLine } from './output-line.ts'
import type { Attached, Place } from './output-readers.ts'
import { outputReaders } from './output-readers.ts'
import { endingOf } from './run-book.ts'
import { wholeCharacters } from './whole-characters.ts'

export interface ExecRunDeps {
  readonly run: Run
  readonly startedAt: number
  /** `stream`: it comes later. */
  readonly input: Buffer | 'stream' | null
  readonly timeoutMs: number | null
  readonly patienceMs: number
  readonly limits: KeptLimits
  /** How many bytes of output it may keep now. */
  readonly share: () => number
  readonly now: () => number
  readonly ended: (ending: RunEnding) => void
}

export type ExecRun = ReturnType<typeof execRun>

/** Why we have killed it. */
type Cause = 'timeout' | 'stdin-cut-off'

/** A kill that an engine did not take is tried again. */
const killAgainMs = 1000
/** Its end is told after so long, whatever has become of what it had started. */
const killedMs = 5000

export function execRun({ run, startedAt, input, timeoutMs, patienceMs, limits, share, now, ...deps }: ExecRunDeps) {
  const output = keptOutput(limits, share)
  const readers = outputReaders(output, patienceMs)
  const whole = { stdout: wholeCharacters(limits.lineBytes), stderr: wholeCharacters(limits.lineBytes) }
  let cause: Cause | null = null
  let killing: Promise<void> | null = null
  let over = false
  let left = false

  const ending = run.ended.then(async (end) => {
    over = true
    clearTimeout(late)
    const how = explained(end)
    // What it had started is gone too when it is told that it was killed.
    if (killing) await within(killedMs, killing)
    if (!left) deps.ended(how)
    return how
  })
  const late = timeoutMs === null ? undefined : setTimeout(() => void kill('timeout'), timeoutMs)
  const later = laterInput({
    stdin: input === 'stream' ? run.stdin : null,
    ended: run.ended,
    cutOff: () => kill('stdin-cut-off'),
  })

  function explained(end: RunEnd): RunEnding {
    const ending = endingOf(end, now())
    // It may have ended by itself before the kill reached it.
    const isKilled = end.kind !== 'exited' || end.code === 137
    return cause !== null && isKilled ? { ...ending, exitCode: null, signal: null, error: cause } : ending
  }

  function kill(why: Cause): Promise<void> {
    if (over || left) return Promise.resolve()
    cause ??= why
    killing ??= killed()
    return killing
  }

  async function killed(): Promise<void> {
    const sent = await run.signal('SIGKILL')
    if (sent.ok || left || (await within(killAgainMs, run.ended))) return
    await killed()
  }

  function add({ stream }: Pick<RunOutput, 'stream'>, pieces: readonly Buffer[]) {
    for (const piece of pieces) output.add(stream, piece)
  }

  async function read(): Promise<void> {
    for await (const piece of run.output) {
      add(piece, whole[piece.stream].push(piece.bytes))
      readers.wake()
      if (output.isFull()) await readers.makeRoom()
    }
    for (const stream of ['stdout', 'stderr'] as const) add({ stream }, whole[stream].rest())
    const how = await ending
    if (left) return
    output.end((seq) => endLine(seq, startedAt, how))
    readers.wake()
  }

  if (Buffer.isBuffer(input)) run.stdin?.end(input)
  const told = read()

  return {
    ended: () => over,
    keptBytes: output.keptBytes,
    /** Settles when it has ended and its output was read. Never rejects. */
    told,
    attach: (place: Place, wake: () => void): Attached => readers.attach(place, wake),
    /** Gives it its input. */
    feed: (source: Readable): Promise<Fed> => later.feed(source),
    /** Sends a signal to all that it started. Ended already is success. */
    signal: async (signal: RunSignal): Promise<Outcome<void>> => (over ? done(undefined) : run.signal(signal)),
    /**
     * Leaves it as it is, with the service (law 12): nobody hears of it any more. But one whose input is not through would take the end of
     * the service for the end of that: it is killed.
     */
    async leave(withinMs: number): Promise<void> {
      const isThrough = run.stdin === null || run.stdin.writableFinished
      if (!over && !isThrough)
        await within(
          withinMs,
          kill('stdin-cut-off').then(() => ending),
        )
      left = true
      clearTimeout(late)
      readers.forgetAll()
      run.leave()
    },
  }
}
