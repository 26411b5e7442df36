import type { NumberedWritten } from '../persistence/lifecycle-output.ts'
import type { LogPiece, LogWish } from '../provider/inside.ts'
import { done } from '../workspace/fault.ts'
import type { Outcome } from '../workspace/fault.ts'
import type { LoggedLine } from './log-lines.ts'
import { lineCutter } from './log-lines.ts'

/** Where a workspace's log comes from. */
export interface LogSources {
  /** What its lifecycle commands wrote, after the piece with a number. */
  written(after: number, limit: number): readonly NumberedWritten[]
  /** What its main process wrote; `null`: there is none yet. */
  main(wish: LogWish, signal: AbortSignal): Promise<Outcome<AsyncIterable<LogPiece>>> | null
  /** `over`: nothing will be written any more, unless somebody starts it again. */
  phase(): 'busy' | 'up' | 'over'
  /** Calls `wake` when there is more of `written`, or another phase. Answers how to call that off. */
  follow(wake: () => void): () => void
}

const page = 64

/** The main process's output; `null` if there is none, or its container is not there. */
export async function openMain(
  sources: LogSources,
  wish: LogWish,
  signal: AbortSignal,
): Promise<Outcome<AsyncIterable<LogPiece> | null>> {
  const opened = await sources.main(wish, signal)
  if (opened === null || (!opened.ok && opened.fault.again === 'gone')) return done(null)
  return opened
}

export type LifecycleLines = ReturnType<typeof lifecycleLines>

/** What lifecycle commands wrote, as lines. Each time it goes on where it was. */
export function lifecycleLines(sources: LogSources, since: number | null) {
  let place = 0
  let command = ''
  let cutter = lineCutter(command)

  return {
    /** As far as there is something; with `all`, also what has no end yet. */
    *lines(all: boolean): Generator<LoggedLine, void, undefined> {
      for (;;) {
        const pieces = sources.written(place, page)
        for (const piece of pieces) {
          place = piece.seq
          if (piece.command !== command) {
            yield* cutter.rest()
            command = piece.command
            cutter = lineCutter(command)
          }
          const { at, stream, data } = piece
          if (since === null || at >= since) yield* cutter.lines({ at, stream, bytes: data })
        }
        if (pieces.length < page) break
      }
      if (all) yield* cutter.rest()
    },
  }
}
