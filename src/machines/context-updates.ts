import type { Connection, ContainerExit } from '../workspace/container.ts'
import type { Fault } from '../workspace/fault.ts'
import type { ProvisioningStep, WorkspaceContext } from './workspace-context.ts'
import { backoff, expiryTime, operationTimeoutMs, maxAttempts, maxStopAttempts } from './workspace-context.ts'
import type { WorkspacePatch, EffectResult } from './workspace-event.ts'
import {
  deletionRetryReason,
  exitReason,
  failureReason,
  stopFailedReason,
  stopTimeoutMessage,
  stopRetryReason,
  timeoutReason,
  retryReason,
  vanishedReason,
  engineUnavailableReason,
} from './reasons.ts'

// How transitions change a workspace's context. Pure; the statechart says when.

type ContextUpdate = Partial<WorkspaceContext>

const maxRetryDelayMs = 30_000
/** The least time until a deadline after the service was down. */
const minRemainingMs = 5 * 60_000
// The notice of an available engine ends the pause; this is for a notice that was missed.
const maxEngineRetryDelayMs = 15_000
const maxDeletionRetryDelayMs = 60_000

/** Provisioning or a start begins, with new attempts and a new deadline. */
export function beginStep(at: number, step: ProvisioningStep): ContextUpdate {
  return { step, attempts: 0, deadline: at + operationTimeoutMs, reason: null, progress: null }
}

/** Work continues after the service was down, with the rest of its time, and at least a few minutes. */
export function resumeProvisioning({ deadline, step }: WorkspaceContext, at: number): ContextUpdate {
  return {
    deadline: Math.min(Math.max(deadline, at + minRemainingMs), at + operationTimeoutMs),
    progress: null,
    step: stepAfterPause(step),
  }
}

export function beginStop(at: number): ContextUpdate {
  return { attempts: 0, deadline: at + operationTimeoutMs, reason: null, progress: null }
}

export function applyPatch({ name, ttlSeconds, metadata }: WorkspacePatch, at: number): ContextUpdate {
  return {
    ...(name !== undefined && { name }),
    ...(metadata !== undefined && { metadata }),
    ...(ttlSeconds !== undefined && { ttlSeconds, expiresAt: expiryTime(at, ttlSeconds) }),
  }
}

/** Returns true if the step that had this result is to be retried. Waiting for an unavailable engine is not an attempt (law 5). */
export function shouldRetryStep({ step, attempts }: WorkspaceContext, result: EffectResult<unknown>): boolean {
  if (result.ok || result.fault.kind === 'permanent') return false
  return result.fault.kind === 'unavailable' || attempts + 1 < maxAttempts[step]
}

/** The step failed and is retried later. A missing container is created again; a setup begins with a boot. */
export function retryStep(context: WorkspaceContext, result: EffectResult<unknown>): ContextUpdate {
  if (result.ok) return {}
  const unavailable = result.fault.kind === 'unavailable'
  const attempts = unavailable ? context.attempts : context.attempts + 1
  return {
    attempts,
    waitingForEngine: unavailable,
    retryAt: backoff(
      result.at,
      unavailable ? maxEngineRetryDelayMs : maxRetryDelayMs,
      unavailable ? Infinity : attempts,
      result.jitter,
    ),
    reason: unavailable ? engineUnavailableReason(context, result.fault) : retryReason(context, result.fault),
    progress: null,
    step: stepAfterPause(context.step),
    ...missingContainerUpdate(result.fault),
  }
}

/** Returns true if the stop that had this result is to be retried. */
export function shouldRetryStop({ attempts }: WorkspaceContext, result: EffectResult<unknown>): boolean {
  if (result.ok || result.fault.kind === 'permanent') return false
  return result.fault.kind === 'unavailable' || attempts + 1 < maxStopAttempts
}

/** The stop failed and is retried later. */
export function retryStop({ attempts }: WorkspaceContext, result: EffectResult<unknown>): ContextUpdate {
  if (result.ok) return {}
  const unavailable = result.fault.kind === 'unavailable'
  return {
    attempts: unavailable ? attempts : attempts + 1,
    waitingForEngine: unavailable,
    retryAt: backoff(
      result.at,
      unavailable ? maxEngineRetryDelayMs : maxRetryDelayMs,
      unavailable ? Infinity : attempts + 1,
      result.jitter,
    ),
    reason: stopRetryReason(result.fault),
  }
}

/** The step failed for good. */
export function failStep(context: WorkspaceContext, result: EffectResult<unknown>): ContextUpdate {
  if (result.ok) return {}
  const reason = failureReason(context, result.fault)
  return {
    attempts: context.attempts + 1,
    reason,
    progress: null,
    connection: null,
    ...missingContainerUpdate(result.fault),
  }
}

export function timeOutProvisioning(context: WorkspaceContext): ContextUpdate {
  return { reason: timeoutReason(context), progress: null, connection: null }
}

export function failStop(context: WorkspaceContext, result: EffectResult<unknown>): ContextUpdate {
  return result.ok ? {} : { attempts: 0, reason: stopFailedReason(context, result.fault.message) }
}

export function timeOutStop(context: WorkspaceContext): ContextUpdate {
  return { attempts: 0, reason: stopFailedReason(context, stopTimeoutMessage) }
}

/** A step succeeded, and its result goes into the context. */
export function completeStep(step: ProvisioningStep, output: ContextUpdate): ContextUpdate {
  return { step, reason: null, progress: null, ...output }
}

export const readyUpdate: ContextUpdate = { prepared: true, attempts: 0, reason: null, progress: null }

export const restUpdate: ContextUpdate = { attempts: 0, connection: null, reason: null, progress: null }

export function recordExit(exit: ContainerExit): ContextUpdate {
  return { connection: null, reason: exitReason(exit) }
}

/** The container is gone; the reason stays as it was. */
export const containerGoneUpdate: ContextUpdate = { containerId: null, prepared: false, connection: null }

export const vanishedUpdate: ContextUpdate = { ...containerGoneUpdate, reason: vanishedReason }

export function recordConnection(connection: Connection): ContextUpdate {
  return { connection, reason: null }
}

export const deletionUpdate: ContextUpdate = { attempts: 0, reason: null, progress: null, connection: null }

/** Deleting is retried for ever, at most a minute apart (law 4). */
export function retryDeletion({ attempts }: WorkspaceContext, result: EffectResult<unknown>): ContextUpdate {
  if (result.ok) return {}
  return {
    attempts: attempts + 1,
    waitingForEngine: true, // whatever the fault was, an engine that is available again is worth a try
    retryAt: backoff(result.at, maxDeletionRetryDelayMs, attempts + 1, result.jitter),
    reason: deletionRetryReason(result.fault, attempts + 1),
  }
}

function missingContainerUpdate(fault: Fault): ContextUpdate {
  return fault.kind === 'missing' ? { ...containerGoneUpdate, step: 'image' } : {}
}

/** After a pause, only a boot finds out whether the container still runs. */
function stepAfterPause(step: ProvisioningStep): ProvisioningStep {
  return step === 'setup' ? 'boot' : step
}
