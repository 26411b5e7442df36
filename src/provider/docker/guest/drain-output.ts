import { setImmediate as nextTurn } from 'node:timers/promises'
import { abortableDelay } from '../engine/with-deadline.ts'

const quietPeriodMs = 400
const requiredQuietRounds = 2
const timeoutMs = 10_000

/**
 * Upper bound for output in transit between a command and its reader, in pipes, sockets and the engine's buffer: 1.4 MB
 * with Docker 20.10. More than this comes from a background child that keeps writing.
 */
export const maxInFlightBytes = 4 * 2 ** 20

/**
 * Waits until all output that a command wrote before it exited has arrived: its connection is closed, or nothing new
 * arrives while the engine answers two probes in a row. The probes tell silence from a busy engine or a busy event loop,
 * where a timer alone would not. Settles after 10 s at the latest. Never rejects.
 */
export async function drainOutput(
  receivedBytes: () => number,
  probeEngine: () => Promise<unknown>,
  ...stopSignals: readonly [closed: AbortSignal, ...more: AbortSignal[]]
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  const maxBytes = receivedBytes() + maxInFlightBytes
  const isDone = () =>
    stopSignals.some(({ aborted }) => aborted) || performance.now() > deadline || receivedBytes() > maxBytes
  for (let consecutiveQuiet = 0; consecutiveQuiet < requiredQuietRounds && !isDone(); ) {
    const before = receivedBytes()
    await abortableDelay(quietPeriodMs, ...stopSignals)
    if (isDone()) return
    await probeEngine()
    await nextTurn() // output that arrived before the answer is read now
    consecutiveQuiet = receivedBytes() === before ? consecutiveQuiet + 1 : 0
  }
}
