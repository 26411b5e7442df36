import { fault, type Outcome } from '../../../workspace/fault.ts'

/**
 * Runs `work`, and answers `transient` for an error that the system throws, such as a full disk: a person can fix it, and the same
 * request may then succeed. `work` watches the signal itself; an answer before its end would let it run beside whatever comes next.
 */
export async function catchAsFault<T>(
  operation: string,
  signal: AbortSignal,
  work: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  if (signal.aborted) return fault('transient', `${operation} was cancelled.`)
  try {
    return await work()
  } catch (error) {
    return fault('transient', `${operation} failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}
