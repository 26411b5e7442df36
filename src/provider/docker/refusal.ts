import type { Fault } from '../../workspace/fault.ts'
import { field, number, text } from './shape.ts'

/**
 * What came of a request to the engine: its answer, or the refusal, and the fault that it is unless the asker knows
 * better.
 */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: number | null; readonly reason: string; readonly fault: Fault }

/** What the engine, or the connection to it, said. */
export interface Refusal {
  /** The HTTP status; `null`: no answer came. */
  readonly status: number | null
  /** The code of a failed connection: `ECONNREFUSED`, `DEPTH_ZERO_SELF_SIGNED_CERT`. */
  readonly code: string | null
  /** The true reason, in the engine's words. */
  readonly reason: string
}

/**
 * Reads an error of the client. The reason in the answer's body is the true one; the client's own text for a status may
 * not be.
 */
export function refusalOf(error: unknown): Refusal {
  const message = text(error, 'message') ?? String(error)
  const reason = text(field(error, 'json'), 'message') ?? message.replace(/^\(HTTP code \d+\) [^-]*- /, '')
  return { status: number(error, 'statusCode') ?? null, code: text(error, 'code') ?? null, reason: reason.trim() }
}

/**
 * Sorts a refusal by whether the same request may yet succeed. `what` completes "could not …"; `engine` says which
 * engine.
 */
export function faultOf(refusal: Refusal, what: string, engine: string): Fault {
  if (refusal.status === null) return unreached(refusal, what, engine)
  return { again: again(refusal.status, refusal.reason), message: `The engine could not ${what}: ${refusal.reason}` }
}

function unreached(refusal: Refusal, what: string, engine: string): Fault {
  // A failed connection carries a code. Without one it is not the connection that failed.
  if (refusal.code === null) return { again: 'later', message: `Could not ${what}: ${refusal.reason}` }
  const advice =
    refusal.code === 'EACCES' || refusal.code === 'EPERM'
      ? 'Add the user that runs this service to the group "docker" (usermod -aG docker USER) and log in again.'
      : 'Start the engine, or set DOCKER_HOST to where it listens.'
  return { again: 'away', message: `The engine at ${engine} cannot be reached (${refusal.reason}). ${advice}` }
}

function again(status: number, reason: string): Fault['again'] {
  if (status === 404 && /no such container/i.test(reason)) return 'gone'
  // 409 is about the state that something is in, and states change: being removed, paused, not running.
  if (status >= 500 || status === 408 || status === 409 || status === 429) return 'later'
  return 'never'
}
