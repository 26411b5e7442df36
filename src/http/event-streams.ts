import type { ServerResponse } from 'node:http'

/** What a stream sends, and when. */
export interface Source {
  /** The next events as text; none: there are none yet. */
  read(): readonly string[]
  /** Nothing will come any more. */
  over(): boolean
  close(): void
}

/** Proxies close what is silent, mostly after a minute. */
const heartbeatMs = 15_000
/** A reader may lag so long before it is dropped. What it has not read stays in the journal, not in memory. */
const patienceMs = 30_000

export type EventStreams = ReturnType<typeof eventStreams>

/**
 * Server-Sent Events by hand. A stream is read from its source as fast as its reader takes it: one who does not read is waited for, and
 * then told so and dropped; it comes again with the id of the last event that it has.
 */
export function eventStreams(ended: AbortSignal) {
  const open = new Set<{ beat(): void; end(why: string): void }>()
  let heart: NodeJS.Timeout | undefined
  ended.addEventListener('abort', () => {
    for (const stream of open) stream.end('the service is shutting down')
  })

  function beat() {
    for (const stream of open) stream.beat()
    if (open.size > 0) return
    clearInterval(heart)
    heart = undefined
  }

  return {
    /** Sends `first` and then what `source` has, until it is over, the reader leaves, or the service ends. Answers how to wake it up. */
    begin(response: ServerResponse, first: string, connect: (wake: () => void) => Source): void {
      let stalled: NodeJS.Timeout | undefined
      let awake = false
      const source = connect(wake)

      function wake() {
        if (awake || stalled) return
        awake = true
        setImmediate(pump) // what is committed in one turn is sent together
      }

      function pump() {
        awake = false
        if (stalled || response.writableEnded || response.destroyed) return
        try {
          for (let events = source.read(); events.length > 0; events = source.read())
            if (!response.write(events.join(''))) return stall()
        } catch {
          return end('the journal cannot be read at present') // logged where it is read
        }
        if (source.over()) response.end()
      }

      function stall() {
        stalled = setTimeout(() => end('it was not read for too long'), patienceMs)
        response.once('drain', () => {
          clearTimeout(stalled)
          stalled = undefined
          pump()
        })
      }

      function end(why: string) {
        if (response.writableEnded) return
        response.end(`event: dropped\ndata: ${JSON.stringify({ reason: why })}\n\n`)
        // Whoever does not read will not read that either.
        setTimeout(() => response.destroy(), 1000).unref()
      }

      const stream = {
        beat: () => {
          if (!stalled && !response.writableEnded) response.write(': \n\n')
        },
        end,
      }
      open.add(stream)
      heart ??= setInterval(beat, heartbeatMs).unref()
      response.once('close', () => {
        clearTimeout(stalled)
        open.delete(stream)
        source.close()
      })
      response.write(first)
      wake()
    },
  }
}
