import type { LogLine } from '../wire/runtime/log.ts'
import { apiErrorFrom } from './api-error.ts'
import type { HttpTransport } from './http-transport.ts'
import { workspacePath } from './http-transport.ts'
import { parseNdjson } from './ndjson.ts'
import type { ConnectionEnd, DisconnectedEvent } from './reconnect.ts'
import { inactivityTimeout, reconnect, retryableFailure } from './reconnect.ts'

export interface ClientLogOptions {
  /** Wait for new lines, until the workspace stops. */
  readonly follow?: boolean
  /** Only lines written at this time or later; RFC 3339. */
  readonly since?: string
  /** Only the last lines, this many. */
  readonly tail?: number
  readonly signal?: AbortSignal
}

export type LogEvent =
  | { readonly kind: 'line'; readonly line: LogLine }
  /** Only with `follow`. The next connection continues after the last line. */
  | DisconnectedEvent

/** Reads the output of a workspace's main process and lifecycle commands, oldest line first. @throws {ApiError} when it cannot be read. */
export function logReader({ api, request, readBody }: Pick<HttpTransport, 'api' | 'request' | 'readBody'>) {
  return (id: string, options: ClientLogOptions = {}): AsyncGenerator<LogEvent, void, undefined> => {
    const { follow = false, since, tail, signal = new AbortController().signal } = options
    const position = logPosition()
    let connected = false

    async function* connect(resetBackoff: () => void): AsyncGenerator<LogEvent, ConnectionEnd, undefined> {
      const inactivity = inactivityTimeout(signal)
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
        for await (const body of inactivity.watch(parseNdjson(response.body))) {
          resetBackoff()
          if (body === null) continue
          const line = readBody('logLine', body)
          if (position.advance(line)) yield { kind: 'line', line }
        }
        return { kind: 'complete' } // the main process has ended, or every line was read
      } finally {
        inactivity.dispose()
      }
    }

    return reconnect<LogEvent>({
      connect,
      recover(error) {
        const failure = retryableFailure(error)
        if (!connected || !follow) throw failure
        return { kind: 'closed', reason: failure.message }
      },
      signal,
    })
  }
}

/** The position in a log: the time of the last line, and how many lines of exactly that time were delivered. */
function logPosition() {
  let lineTime: string | undefined
  let deliveredCount = 0
  let linesToSkip = 0
  return {
    lineTime: () => lineTime,
    /** The service is about to send the lines of that time again. */
    rewind() {
      linesToSkip = deliveredCount
    },
    /** Returns whether the line is new. */
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
