import type { LogPiece } from '../provider/inside.ts'
import type { LoggedLine } from './log-lines.ts'
import { lineCutter } from './log-lines.ts'
import type { LifecycleLines, LogSources } from './log-sources.ts'
import { openMain } from './log-sources.ts'

export interface LiveDeps {
  readonly sources: LogSources
  readonly since: number | null
  /** What the main process writes; `null`: there is none yet. */
  readonly pieces: AsyncIterable<LogPiece> | null
  readonly signal: AbortSignal
}

/** Proxies close what is silent, mostly after a minute. */
const heartbeatMs = 15_000
/** So long after it was opened, a main process that has ended is looked for again. */
const againMs = 1000
/** What the main process wrote last may come a moment after its end is known. */
const lastWordsMs = 2000

/** The lines of a main process: those that there are, then those that come, and those of the one that comes after it. */
export function liveLog({ sources, since, pieces, signal }: LiveDeps) {
  let cutter = lineCutter('main')
  let main = pieces?.[Symbol.asyncIterator]()
  let openedAt = Date.now()
  /** What is to be told of the next main process; until one was seen, as it was wished. */
  let from = pieces === null ? since : openedAt
  let timed = true

  function* take(result: IteratorResult<LogPiece>): Generator<LoggedLine, void, undefined> {
    if (result.done === true) {
      main = undefined
      yield* cutter.rest()
      return
    }
    const { at } = result.value
    if (at === null) timed = false
    else from = at + 1
    yield* cutter.lines(result.value)
  }

  async function reopen() {
    openedAt = Date.now()
    cutter = lineCutter('main')
    // Without times, `since` would bring all of it once more.
    const wish = { follow: true, since: timed ? from : null, tail: timed ? null : 0 }
    const found = await openMain(sources, wish, signal)
    if (!found.ok || found.value === null) return
    main = found.value[Symbol.asyncIterator]()
    from = openedAt
  }

  return {
    /** The first so many lines of the main process; with `all`, also what has no end yet. */
    async *first(count: number, all: boolean): AsyncGenerator<LoggedLine, void, undefined> {
      for (let left = count; left > 0 && main; )
        for (const line of take(await main.next())) {
          yield line
          if (!line.cut) left -= 1
        }
      if (all) yield* cutter.rest()
    },

    /** What comes then, of lifecycle commands too. */
    async *rest(kept: LifecycleLines): AsyncGenerator<LoggedLine | null, void, undefined> {
      const bell = makeBell()
      const unfollow = sources.follow(bell.ring)
      signal.addEventListener('abort', bell.ring)
      let arrived: IteratorResult<LogPiece> | undefined
      let asked: AsyncIterator<LogPiece> | undefined
      let overAt: number | undefined
      try {
        while (!signal.aborted) {
          const phase = sources.phase() // first: what was written before it changed is on disk
          yield* kept.lines(phase !== 'busy')
          if (arrived) {
            const result = arrived
            arrived = asked = undefined
            yield* take(result)
          }
          overAt = phase === 'over' ? (overAt ?? Date.now()) : undefined
          if (overAt !== undefined && (!main || Date.now() - overAt >= lastWordsMs)) break
          if (!main && phase === 'up' && Date.now() - openedAt >= againMs) await reopen()
          if (main && !asked) {
            asked = main
            void main.next().then((result) => {
              arrived = result
              bell.ring()
            })
          }
          const patience = overAt !== undefined ? lastWordsMs : !main && phase === 'up' ? againMs : heartbeatMs
          if (!(await bell.rung(patience)) && patience === heartbeatMs) yield null
        }
        yield* cutter.rest()
      } finally {
        signal.removeEventListener('abort', bell.ring)
        unfollow()
      }
    },

    async close() {
      await main?.return?.()
    },
  }
}

/** Rung before it is listened to counts too. */
function makeBell() {
  let isRung = false
  let wake = () => {}
  return {
    ring() {
      isRung = true
      wake()
    },
    /** Waits for at most so long; was it rung? */
    async rung(atMostMs: number): Promise<boolean> {
      if (!isRung)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, atMostMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      const was = isRung
      isRung = false
      return was
    },
  }
}
