/**
 * Why a provider could not do what was asked, and whether the same request may yet succeed:
 *
 * - `permanent`: not without a change by a person (no such image, a lifecycle command that fails).
 * - `transient`: the same request may succeed if it is made again (a registry that does not answer, an engine's 500).
 * - `unavailable`: the engine itself cannot be reached; nothing was tried, so no try is spent.
 * - `missing`: the container that the request was about does not exist any more; it can be made anew.
 */
export interface Fault {
  readonly kind: 'permanent' | 'transient' | 'unavailable' | 'missing'
  /** One or a few sentences for a person: what failed, with the engine's own reason. Names the image, where there is one. */
  readonly message: string
}

/** What a provider answers. A failure is a value (law 13); a throw is a bug. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault }

/** The answer of a request that did what it was asked. */
export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value }
}

/** The answer of a request that did not. */
export function fault(kind: Fault['kind'], message: string): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: { kind, message } }
}
