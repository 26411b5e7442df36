// Who reads the output of one run.
//   R1. A reader gets each line once, in order. What was dropped before he came to it, one line tells him.
//   R2. A reader who lags holds the command up, for so long at a time; then his output is dropped, and he holds nothing up until he reads again.
import type { KeptOutput } from './kept-output.ts'
import { droppedLine } from './output-line.ts'

export interface OutputReader {
  /** The next line, each of whose characters is a byte; `undefined`: there is none yet, or none any more. */
  read(): string | undefined
  /** All that he is to have was read. */
  over(): boolean
  close(): void
}

/** Where a reader begins. */
export interface Place {
  /** After which line; `null`: as far back as there is something, and told of what is not. */
  readonly after: number | null
  /** False: only what there is now. */
  readonly follow: boolean
}

export type Attached =
  | { readonly kind: 'attached'; readonly reader: OutputReader }
  | { readonly kind: 'output-gone'; readonly oldest: number }
  | { readonly kind: 'no-such-line'; readonly newest: number }

interface Seat {
  next: number
  /** Bytes of output before the next line. */
  before: number
  /** Since when he holds the command up. */
  since: number | null
  /** He held it up for too long. */
  passedOver: boolean
  readonly wake: () => void
}

export function outputReaders(output: KeptOutput, patienceMs: number) {
  const seats = new Set<Seat>()
  let moved = () => {}

  /** Waits until somebody has read or left, or for so long. */
  function movement(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, withinMs)
      moved = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }

  function take(seat: Seat): string | undefined {
    const oldest = output.oldest()
    if (seat.next < oldest) {
      const bytes = output.bytesBefore(oldest) - seat.before
      seat.next = oldest
      seat.before += bytes
      return droppedLine(oldest - 1, bytes)
    }
    const line = output.line(seat.next)
    if (!line) return undefined
    seat.next += 1
    seat.before = output.bytesBefore(seat.next)
    return line
  }

  return {
    /** Lets somebody read. `wake` is called when there is more. */
    attach({ after, follow }: Place, wake: () => void): Attached {
      if (after !== null && after + 1 < output.oldest()) return { kind: 'output-gone', oldest: output.oldest() }
      if (after !== null && after > output.newest()) return { kind: 'no-such-line', newest: output.newest() }
      const next = after === null ? 1 : after + 1
      const before = after === null ? 0 : output.bytesBefore(next)
      const seat: Seat = { next, before, since: null, passedOver: false, wake }
      const last = follow ? null : output.newest()
      seats.add(seat)
      const over = () => seat.next > (last ?? (output.ended() ? output.newest() : Infinity))
      return {
        kind: 'attached',
        reader: {
          over,
          read() {
            const line = over() ? undefined : take(seat)
            if (line) {
              seat.since = null
              seat.passedOver = false
              moved()
            }
            return line
          },
          close() {
            seats.delete(seat)
            moved()
          },
        },
      }
    },

    wake(): void {
      for (const { wake } of seats) wake()
    },

    /** Makes room for more output: waits for whoever has to read the oldest still, and drops it. */
    async makeRoom(): Promise<void> {
      while (output.isFull()) {
        const behind = [...seats].filter(({ next, passedOver }) => !passedOver && next <= output.oldest())
        const now = performance.now()
        for (const seat of behind) seat.since ??= now
        const leftMs = Math.min(...behind.map(({ since }) => (since ?? now) + patienceMs - now))
        if (behind.length === 0) output.dropOldest()
        else if (leftMs > 0) await movement(leftMs)
        else for (const seat of behind) seat.passedOver ||= (seat.since ?? now) + patienceMs <= now
      }
    },

    /** Nobody is waited for any more. */
    forgetAll(): void {
      seats.clear()
      moved()
    },
  }
}

export type OutputReaders = ReturnType<typeof outputReaders>
