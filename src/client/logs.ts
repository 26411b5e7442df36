import type { LogLine } from '../wire/runtime/log.ts'
import { ApiError, apiErrorFrom } from './api-error.ts'
import type { HttpTransport } from './http-transport.ts'
import { connectionError, workspacePath } from './http-transport.ts'
import { delayUnlessAborted, inactivityTimeout } from './event-feed.ts'
import { parseNdjson } from './ndjson.ts'

export interface ClientLogOptions {
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
  | { readonly kind: 'lost'; readonly reason: string; readonly retryInMs: number }

const minBackoffMs = 250
const maxBackoffMs = 5000

/** What the main process of a workspace and its lifecycle commands wrote, oldest first. @throws {ApiError} when it cannot be read (on). */
export function logReader({ api, ask: request }: Pick<HttpTransport, 'api' | 'ask'>) {
  return async function* readLogs(
    id: string,
    options: ClientLogOptions = {},
  ): AsyncGenerator<LogEvent, void, undefined> {
    const { follow = false, since, tail } = options
    const abortController = new AbortController()
    const abort = () => abortController.abort()
    const position = logPosition()
    let connected = false
    let backoffMs = minBackoffMs
    options.signal?.addEventListener('abort', abort)
    if (options.signal?.aborted === true) abort()
    try {
      while (!abortController.signal.aborted) {
        let reason = 'The connection was closed.'
        const inactivity = inactivityTimeout(abortController.signal)
        try {
          const lastLineTime = position.lineTime()
          const query = new URLSearchParams({
            ...(follow && { follow: 'true' }),
            ...(lastLineTime === undefined ? since !== undefined && { since } : { since: lastLineTime }),
            ...(lastLineTime === undefined && tail !== undefined && { tail: String(tail) }),
          })
          const response = await request(`${api}${workspacePath(id)}/logs?${query.toString()}`, {
            signal: inactivity.signal,
          })
          if (!response.ok || !response.body) throw await apiErrorFrom(response)
          connected = true
          position.rewind()
          for await (const line of parseNdjson<LogLine>(response.body)) {
            backoffMs = minBackoffMs
            inactivity.suspend()
            if (line !== null && position.advance(line)) yield { kind: 'line', line }
            inactivity.reset()
          }
          return // the main process has ended, or all there is was told
        } catch (error) {
          if (abortController.signal.aborted) return
          const failure = error instanceof ApiError ? error : connectionError(error)
          const isPermanent = failure.status >= 400 && failure.status < 500
          if (!connected || !follow || isPermanent) throw failure
          reason = failure.message
        } finally {
          inactivity.dispose()
        }
        yield { kind: 'lost', reason, retryInMs: backoffMs }
        await delayUnlessAborted(backoffMs, abortController.signal)
        backoffMs = Math.min(2 * backoffMs, maxBackoffMs)
      }
    } finally {
      options.signal?.removeEventListener('abort', abort)
      abort()
    }
  }
}

/** Where in a log one is: a time, and how many lines of that very time were told. */
function logPosition() {
  let lineTime: string | undefined
  let deliveredCount = 0
  let linesToSkip = 0
  return {
    lineTime: () => lineTime,
    /** The lines of that time come again. */
    rewind() {
      linesToSkip = deliveredCount
    },
    advance(line: LogLine): boolean {
      if (line.at === undefined) return true
      if (line.at === lineTime && linesToSkip > 0) {
        linesToSkip--
        return false
      }
      deliveredCount = line.at === lineTime ? deliveredCount + 1 : 1
      lineTime = line.at
      linesToSkip = 0
      return true
    },
  }
}
