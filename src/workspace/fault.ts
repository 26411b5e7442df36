/**
 * Why a provider request failed, and whether a retry may succeed:
 *
 * - `permanent`: a retry fails until a person changes something (no such image, a lifecycle command that fails).
 * - `transient`: a retry may succeed (a registry that does not answer, an engine's 500).
 * - `unavailable`: the engine cannot be reached; this does not count as an attempt.
 * - `missing`: the container of the request does not exist any more; it can be recreated.
 */
export interface Fault {
  readonly kind: 'permanent' | 'transient' | 'unavailable' | 'missing'
  /** One or a few sentences for people: what failed, with the engine's own reason and the image, if any. */
  readonly message: string
}

/** The result of a provider request. A failure is a value (law 13); an exception is a bug. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault }

/** The result of a request that succeeded. */
export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value }
}

/** The result of a request that failed. */
export function fault(kind: Fault['kind'], message: string): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: { kind, message } }
}
