import { setImmediate as nextTurn } from 'node:timers/promises'
import { pause } from './race.ts'

const quietMs = 400
const quietRounds = 2
const mostMs = 10_000

/**
 * More than pipes, sockets and the engine's own buffer hold between a command and whoever reads it: 1.4 MB with Docker 20.10. A child in
 * the background may write for ever.
 */
export const onItsWayBytes = 4 * 2 ** 20

/**
 * Settles when all that a command wrote before it ended has come: its connection is `closed`, or it is only held open by a child in the
 * background. That is known by nothing new being `heard` while the engine answered twice: neither a busy engine nor a busy process of
 * ours, whose clock goes on, is taken for silence. No later than after 10 s. Never rejects.
 */
export async function lastOutput(
  heard: () => number,
  ask: () => Promise<unknown>,
  ...ends: readonly [closed: AbortSignal, ...more: AbortSignal[]]
): Promise<void> {
  const until = performance.now() + mostMs
  const enough = heard() + onItsWayBytes
  const over = () => ends.some(({ aborted }) => aborted) || performance.now() > until || heard() > enough
  for (let rounds = 0; rounds < quietRounds && !over(); ) {
    const before = heard()
    await pause(quietMs, ...ends)
    if (over()) return
    await ask()
    await nextTurn() // what came before the answer is heard now
    rounds = heard() === before ? rounds + 1 : 0
  }
}
