import { setImmediate as nextTurn } from 'node:timers/promises'
import { abortableDelay } from '../engine/with-deadline.ts'

const quietPeriodMs = 400
const requiredQuietRounds = 2
const timeoutMs = 10_000

/**
 * More than pipes, sockets and the engine's own buffer hold between a command and whoever reads it: 1.4 MB with Docker 20.10. A child in
 * the background may write for ever.
 */
export const maxInFlightBytes = 4 * 2 ** 20

/**
 * Settles when all that a command wrote before it ended has come: its connection is `closed`, or it is only held open by a child in the
 * background. That is known by nothing new being `heard` while the engine answered twice: neither a busy engine nor a busy process of
 * ours, whose clock goes on, is taken for silence. No later than after 10 s. Never rejects.
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
    await nextTurn() // what came before the answer is heard now
    consecutiveQuiet = receivedBytes() === before ? consecutiveQuiet + 1 : 0
  }
}
