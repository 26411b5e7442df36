import type { ServerResponse } from 'node:http'

/** What a stream sends, and when. */
export interface SseSource {
  /** The next events as text; none: there are none yet. */
  read(): readonly string[]
  /** Nothing will come any more. */
  isDone(): boolean
  close(): void
}

/** Proxies close what is silent, mostly after a minute. */
const heartbeatMs = 15_000
/** A reader may lag so long before it is dropped. What it has not read stays in the journal, not in memory. */
const stallTimeoutMs = 30_000

export type SseStreams = ReturnType<typeof sseStreams>

/**
 * Server-Sent Events by hand. A stream is read from its source as fast as its reader takes it: one who does not read is waited for, and
 * then told so and dropped; it comes again with the id of the last event that it has.
 */
export function sseStreams(shutdownSignal: AbortSignal) {
  const openStreams = new Set<{ heartbeat(): void; end(reason: string): void }>()
  let heartbeatTimer: NodeJS.Timeout | undefined
  shutdownSignal.addEventListener('abort', () => {
    for (const stream of openStreams) stream.end('the service is shutting down')
  })

  function sendHeartbeats() {
    for (const stream of openStreams) stream.heartbeat()
    if (openStreams.size > 0) return
    clearInterval(heartbeatTimer)
    heartbeatTimer = undefined
  }

  return {
    /** Sends `first` and then what `source` has, until it is over, the reader leaves, or the service ends. Answers how to wake it up. */
    start(response: ServerResponse, preamble: string, connect: (wake: () => void) => SseSource): void {
      let stallTimer: NodeJS.Timeout | undefined
      let isScheduled = false
      const source = connect(wake)

      function wake() {
        if (isScheduled || stallTimer) return
        isScheduled = true
        setImmediate(pump) // what is committed in one turn is sent together
      }

      function pump() {
        isScheduled = false
        if (stallTimer || response.writableEnded || response.destroyed) return
        try {
          for (let events = source.read(); events.length > 0; events = source.read())
            if (!response.write(events.join(''))) return waitForDrain()
        } catch {
          return end('the journal cannot be read at present') // logged where it is read
        }
        if (source.isDone()) response.end()
      }

      function waitForDrain() {
        stallTimer = setTimeout(() => end('it was not read for too long'), stallTimeoutMs)
        response.once('drain', () => {
          clearTimeout(stallTimer)
          stallTimer = undefined
          pump()
        })
      }

      function end(reason: string) {
        if (response.writableEnded) return
        response.end(`event: dropped\ndata: ${JSON.stringify({ reason: reason })}\n\n`)
        // Whoever does not read will not read that either.
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
