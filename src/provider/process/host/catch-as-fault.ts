import { setTimeout as delay } from 'node:timers/promises'
import { fault, type Outcome } from '../../../workspace/fault.ts'

/**
 * The answer of `work`, which looks at the signal itself: answered before its end, it would go on behind whatever comes next. An error of
 * the system (a full disk, no permission) is
 * `transient`: a person can mend it, and the same request may then succeed.
 */
export async function catchAsFault<T>(
  operation: string,
  signal: AbortSignal,
  work: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  if (signal.aborted) return fault('transient', `${operation} was given up: nobody waits for it any more.`)
  try {
    return await work()
  } catch (error) {
    return fault('transient', `${operation} failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Waits, but no longer than the signal allows. The system tells nobody but a parent that a process has ended, so we have to look. */
export async function pollDelay(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}
