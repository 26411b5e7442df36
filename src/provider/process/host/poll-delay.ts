import { setTimeout as delay } from 'node:timers/promises'

/** Waits `ms` between two polls, or until `signal` is aborted. The system reports the end of a process only to its parent. */
export async function pollDelay(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}
