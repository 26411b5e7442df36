import type { Fault } from '../../../workspace/fault.ts'
import { jsonField, numberField, stringField } from './json-fields.ts'

/**
 * Result of an engine request: its value, or the refusal with the fault that applies unless the caller knows better.
 */
export type EngineResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: number | null; readonly reason: string; readonly fault: Fault }

/** An error reported by the engine, or by the connection to it. */
export interface EngineError {
  /** The HTTP status; `null` if there was no response. */
  readonly status: number | null
  /** The code of a failed connection: `ECONNREFUSED`, `DEPTH_ZERO_SELF_SIGNED_CERT`. */
  readonly code: string | null
  /** The reason in the engine's words. */
  readonly reason: string
}

/**
 * Parses an error of the client. The reason in the response body is accurate; the client's text for a status may not
 * be.
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
 * Classifies an error by whether the same request may succeed later. `action` completes "could not …";
 * `engineDescription` names the engine.
 */
export function engineFault(engineError: EngineError, action: string, engineDescription: string): Fault {
  if (engineError.status === null) return connectionFault(engineError, action, engineDescription)
  return {
    kind: faultKind(engineError.status, engineError.reason),
    message: `The engine could not ${action}: ${engineError.reason}`,
  }
}

function connectionFault(engineError: EngineError, action: string, engineDescription: string): Fault {
  // A failed connection has a code. An error without one has another cause.
  if (engineError.code === null) return { kind: 'transient', message: `Could not ${action}: ${engineError.reason}` }
  const advice =
    engineError.code === 'EACCES' || engineError.code === 'EPERM'
      ? 'Add the user that runs this service to the group "docker" (usermod -aG docker USER) and log in again.'
      : 'Start the engine, or set DOCKER_HOST to its address.'
  return {
    kind: 'unavailable',
    message: `The engine at ${engineDescription} cannot be reached (${engineError.reason}). ${advice}`,
  }
}

function faultKind(status: number, reason: string): Fault['kind'] {
  if (status === 404 && /no such container/i.test(reason)) return 'missing'
  // 409 reports a state, and states change: removal in progress, paused, not running.
  if (status >= 500 || status === 408 || status === 409 || status === 429) return 'transient'
  return 'permanent'
}
