import type { ServerResponse } from 'node:http'

/** The events of one stream. */
export interface SseSource {
  /** The next events as text; empty if there are none yet. */
  read(): readonly string[]
  /** True if no further events will follow. */
  isDone(): boolean
  close(): void
}

/** Most proxies close a silent connection after a minute. */
const heartbeatMs = 15_000
/** How long a reader may stall before its stream ends. Unread events stay in the journal, not in memory. */
const stallTimeoutMs = 30_000

export type SseStreams = ReturnType<typeof sseStreams>

/**
 * Server-Sent Events with backpressure: a source is read as fast as its reader consumes the stream. A reader that stalls for too long
 * is dropped; it can reconnect with the id of its last event.
 */
export function sseStreams(shutdownSignal: AbortSignal) {
  const openStreams = new Set<{ heartbeat(): void; end(reason: string): void }>()
  let heartbeatTimer: NodeJS.Timeout | undefined
  shutdownSignal.addEventListener('abort', () => {
    for (const stream of openStreams) stream.end('The service is shutting down.')
  })

  function sendHeartbeats() {
    for (const stream of openStreams) stream.heartbeat()
    if (openStreams.size > 0) return
    clearInterval(heartbeatTimer)
    heartbeatTimer = undefined
  }

  return {
    /** Sends `preamble` and then the events of a source, until it is done, the client disconnects, or the service shuts down. `connect` receives the function that announces new events. */
    start(response: ServerResponse, preamble: string, connect: (wake: () => void) => SseSource): void {
      let stallTimer: NodeJS.Timeout | undefined
      let isScheduled = false
      const source = connect(wake)

      function wake() {
        if (isScheduled || stallTimer) return
        isScheduled = true
        setImmediate(pump) // sends all events that are committed in the same turn together
      }

      function pump() {
        isScheduled = false
        if (stallTimer || response.writableEnded || response.destroyed) return
        try {
          for (let events = source.read(); events.length > 0; events = source.read())
            if (!response.write(events.join(''))) return waitForDrain()
        } catch {
          return end('The journal cannot be read.') // logged where it is read
        }
        if (source.isDone()) response.end()
      }

      function waitForDrain() {
        stallTimer = setTimeout(() => end('The client did not read for 30 seconds.'), stallTimeoutMs)
        response.once('drain', () => {
          clearTimeout(stallTimer)
          stallTimer = undefined
          pump()
        })
      }

      function end(reason: string) {
        if (response.writableEnded) return
        response.end(`event: dropped\ndata: ${JSON.stringify({ reason })}\n\n`)
        // A reader that has stalled may never read the end.
        setTimeout(() => response.destroy(), 1000).unref()
      }

      const stream = {
        heartbeat: () => {
          if (!stallTimer && !response.writableEnded) response.write(': \n\n')
        },
        end,
      }
      openStreams.add(stream)
      heartbeatTimer ??= setInterval(sendHeartbeats, heartbeatMs).unref()
      response.once('close', () => {
        clearTimeout(stallTimer)
        openStreams.delete(stream)
        source.close()
      })
      response.write(preamble)
      wake()
    },
  }
}
