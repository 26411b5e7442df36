import type { LogLine } from '../wire/log.ts'
import { ApiError, errorOf } from './api-error.ts'
import type { Asking } from './asking.ts'
import { unanswered, workspacePath } from './asking.ts'
import { pause, watched } from './event-feed.ts'
import { jsonLines } from './json-lines.ts'

export interface LogWish {
  /** True: stay, and tell what comes. */
  readonly follow?: boolean
  /** Only what was written then or later: RFC 3339. */
  readonly since?: string
  /** Only the last so many lines. */
  readonly tail?: number
  readonly signal?: AbortSignal
}

/** What is told of a log, in order. */
export type LogEvent =
  | { readonly kind: 'line'; readonly line: LogLine }
  /** The connection is gone; another is tried in `againMs`, from the line that was told last. Only with `follow`. */
  | { readonly kind: 'lost'; readonly why: string; readonly againMs: number }

const shortestPauseMs = 250
const longestPauseMs = 5000

/** What the main process of a workspace and its lifecycle commands wrote, oldest first. @throws {ApiError} when it cannot be read (on). */
export function logsOf({ api, ask }: Pick<Asking, 'api' | 'ask'>) {
  return async function* logs(id: string, wish: LogWish = {}): AsyncGenerator<LogEvent, void, undefined> {
    const { follow = false, since, tail } = wish
    const over = new AbortController()
    const end = () => over.abort()
    const told = place()
    let begun = false
    let pauseMs = shortestPauseMs
    wish.signal?.addEventListener('abort', end)
    if (wish.signal?.aborted === true) end()
    try {
      while (!over.signal.aborted) {
        let why = 'The connection was closed.'
        const life = watched(over.signal)
        try {
          const last = told.last()
          const query = new URLSearchParams({
            ...(follow && { follow: 'true' }),
            ...(last === undefined ? since !== undefined && { since } : { since: last }),
            ...(last === undefined && tail !== undefined && { tail: String(tail) }),
          })
          const answer = await ask(`${api}${workspacePath(id)}/logs?${query.toString()}`, { signal: life.signal })
          if (!answer.ok || !answer.body) throw await errorOf(answer)
          begun = true
          told.again()
          for await (const line of jsonLines<LogLine>(answer.body)) {
            pauseMs = shortestPauseMs
            life.rest()
            if (line !== null && told.isNew(line)) yield { kind: 'line', line }
            life.sign()
          }
          return // the main process has ended, or all there is was told
        } catch (error) {
          if (over.signal.aborted) return
          const failure = error instanceof ApiError ? error : unanswered(error)
          const forGood = failure.status >= 400 && failure.status < 500
          if (!begun || !follow || forGood) throw failure
          why = failure.message
        } finally {
          life.end()
        }
        yield { kind: 'lost', why, againMs: pauseMs }
        await pause(pauseMs, over.signal)
        pauseMs = Math.min(2 * pauseMs, longestPauseMs)
      }
    } finally {
      wish.signal?.removeEventListener('abort', end)
      end()
    }
  }
}

/** Where in a log one is: a time, and how many lines of that very time were told. */
function place() {
  let at: string | undefined
  let count = 0
  let skip = 0
  return {
    last: () => at,
    /** The lines of that time come again. */
    again() {
      skip = count
    },
    isNew(line: LogLine): boolean {
      if (line.at === undefined) return true
      if (line.at === at && skip > 0) {
        skip--
        return false
      }
      count = line.at === at ? count + 1 : 1
      at = line.at
      skip = 0
      return true
    },
  }
}
