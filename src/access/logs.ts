// What a workspace wrote, as one log: its lifecycle commands, as far as that is kept, and its main process.
//   G1. What there is already is told in the order of time; what has no time comes after what has one. What comes then is told as it comes.
//   G2. Nothing is held in memory but a line that has no end yet. So what is to be counted, for `tail`, is read twice.
//   G3. It is read as fast as its reader takes it.
import type { LogPiece, LogWish } from '../provider/inside.ts'
import { done } from '../workspace/fault.ts'
import type { Outcome } from '../workspace/fault.ts'
import type { LoggedLine } from './log-lines.ts'
import { lineCutter } from './log-lines.ts'
import { liveLog } from './log-live.ts'
import type { LogSources } from './log-sources.ts'
import { lifecycleLines, openMain } from './log-sources.ts'

/**
 * Opens a log. `null` in it: nothing has come for a while. It ends when the workspace rests or is gone, or `signal` is aborted, which has to
 * be done if it is not read to its end. Reading throws what the database throws.
 */
export async function openLog(
  sources: LogSources,
  wish: LogWish,
  signal: AbortSignal,
): Promise<Outcome<AsyncGenerator<LoggedLine | null, void, undefined>>> {
  const { follow, since, tail } = wish
  let [earlier, skipped] = [Infinity, 0]
  if (follow || tail !== null) {
    const there = await openMain(sources, { ...wish, follow: false }, signal)
    if (!there.ok) return there
    let lines = 0
    for await (const { cut } of linesOf(there.value, !follow)) if (!cut) lines += 1
    if (follow) earlier = lines
    if (tail !== null) {
      for (const { cut } of lifecycleLines(sources, since).lines(!follow)) if (!cut) lines += 1
      skipped = Math.max(0, lines - tail)
    }
  }
  const closed = new AbortController()
  const over = AbortSignal.any([signal, closed.signal])
  const main = await openMain(sources, wish, over)
  if (!main.ok) return main
  const live = liveLog({ sources, since, pieces: main.value, signal: over })
  const kept = lifecycleLines(sources, since)

  async function* tell(): AsyncGenerator<LoggedLine | null, void, undefined> {
    try {
      for await (const line of merged(kept.lines(!follow), live.first(earlier, !follow))) {
        if (skipped === 0) yield line
        else if (!line.cut) skipped -= 1
      }
      if (follow) yield* live.rest(kept)
    } finally {
      closed.abort()
      await live.close()
    }
  }

  return done(tell())
}

async function* linesOf(pieces: AsyncIterable<LogPiece> | null, all: boolean): AsyncGenerator<LoggedLine> {
  const cutter = lineCutter('main')
  for await (const piece of pieces ?? []) yield* cutter.lines(piece)
  if (all) yield* cutter.rest()
}

/** Those of lifecycle commands come first, unless one of the main process is older. */
async function* merged(
  kept: Iterator<LoggedLine>,
  main: AsyncIterator<LoggedLine>,
): AsyncGenerator<LoggedLine, void, undefined> {
  let [a, b] = [kept.next(), await main.next()]
  while (a.done !== true || b.done !== true) {
    if (b.done !== true && (a.done === true || isOlder(b.value, a.value))) {
      yield b.value
      b = await main.next()
    } else if (a.done !== true) {
      yield a.value
      a = kept.next()
    }
  }
}

function isOlder({ at }: LoggedLine, { at: other }: LoggedLine): boolean {
  return at !== null && other !== null && at < other
}
