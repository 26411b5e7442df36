import type { Fault } from '../../../workspace/fault.ts'
import { jsonField, numberField, stringField } from './json-fields.ts'

/**
 * What came of a request to the engine: its answer, or the refusal, and the fault that it is unless the asker knows
 * better.
 */
export type EngineResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: number | null; readonly reason: string; readonly fault: Fault }

/** What the engine, or the connection to it, said. */
export interface EngineError {
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
export function parseEngineError(error: unknown): EngineError {
  const message = stringField(error, 'message') ?? String(error)
  const reason = stringField(jsonField(error, 'json'), 'message') ?? message.replace(/^\(HTTP code \d+\) [^-]*- /, '')
  return {
    status: numberField(error, 'statusCode') ?? null,
    code: stringField(error, 'code') ?? null,
    reason: reason.trim(),
  }
}

/**
 * Sorts a refusal by whether the same request may yet succeed. `what` completes "could not …"; `engine` says which
 * engine.
 */
export function engineFault(engineError: EngineError, action: string, engineDescription: string): Fault {
  if (engineError.status === null) return connectionFault(engineError, action, engineDescription)
  return {
    kind: faultKind(engineError.status, engineError.reason),
    message: `The engine could not ${action}: ${engineError.reason}`,
  }
}

function connectionFault(engineError: EngineError, action: string, engineDescription: string): Fault {
  // A failed connection carries a code. Without one it is not the connection that failed.
  if (engineError.code === null) return { kind: 'transient', message: `Could not ${action}: ${engineError.reason}` }
  const advice =
    engineError.code === 'EACCES' || engineError.code === 'EPERM'
      ? 'Add the user that runs this service to the group "docker" (usermod -aG docker USER) and log in again.'
      : 'Start the engine, or set DOCKER_HOST to where it listens.'
  return {
    kind: 'unavailable',
    message: `The engine at ${engineDescription} cannot be reached (${engineError.reason}). ${advice}`,
  }
}

function faultKind(status: number, reason: string): Fault['kind'] {
  if (status === 404 && /no such container/i.test(reason)) return 'missing'
  // 409 is about the state that something is in, and states change: being removed, paused, not running.
  if (status >= 500 || status === 408 || status === 409 || status === 429) return 'transient'
  return 'permanent'
}
