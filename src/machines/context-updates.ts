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

// How each thing that happens changes a workspace's context. Pure; the chart says when.

type ContextUpdate = Partial<WorkspaceContext>

const maxRetryDelayMs = 30_000
/** What is left of a deadline, at least, after the service was away. */
const minRemainingMs = 5 * 60_000
// Who comes back is told of, and ends the pause: this is for when that was missed.
const maxEngineRetryDelayMs = 15_000
const maxDeletionRetryDelayMs = 60_000

/** Provisioning or a start begins: new tries, a new deadline. */
export function beginStep(at: number, step: ProvisioningStep): ContextUpdate {
  return { step, attempts: 0, deadline: at + operationTimeoutMs, reason: null, progress: null }
}

/** It goes on after the service was away: with what is left of its time, and at least a few minutes. */
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

/** Is the step that answered `it` worth another try? Waiting for an engine that is away spends none (law 5). */
export function shouldRetryStep({ step, attempts }: WorkspaceContext, result: EffectResult<unknown>): boolean {
  if (result.ok || result.fault.kind === 'permanent') return false
  return result.fault.kind === 'unavailable' || attempts + 1 < maxAttempts[step]
}

/** The step failed and is tried again later; a container that is gone is made anew, a setup begins with a boot. */
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

/** Is a halt that answered `it` worth another try? */
export function shouldRetryStop({ attempts }: WorkspaceContext, result: EffectResult<unknown>): boolean {
  if (result.ok || result.fault.kind === 'permanent') return false
  return result.fault.kind === 'unavailable' || attempts + 1 < maxStopAttempts
}

/** The halt failed and is tried again later. */
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

/** A step is done, and what it found is kept. */
export function completeStep(step: ProvisioningStep, output: ContextUpdate): ContextUpdate {
  return { step, reason: null, progress: null, ...output }
}

export const readyUpdate: ContextUpdate = { prepared: true, attempts: 0, reason: null, progress: null }

export const restUpdate: ContextUpdate = { attempts: 0, connection: null, reason: null, progress: null }

export function recordExit(exit: ContainerExit): ContextUpdate {
  return { connection: null, reason: exitReason(exit) }
}

/** The container is gone; why the workspace rests stays as it was. */
export const containerGoneUpdate: ContextUpdate = { containerId: null, prepared: false, connection: null }

export const vanishedUpdate: ContextUpdate = { ...containerGoneUpdate, reason: vanishedReason }

export function recordConnection(connection: Connection): ContextUpdate {
  return { connection, reason: null }
}

export const deletionUpdate: ContextUpdate = { attempts: 0, reason: null, progress: null, connection: null }

/** Deleting is tried for ever, at most a minute apart (law 4). */
export function retryDeletion({ attempts }: WorkspaceContext, result: EffectResult<unknown>): ContextUpdate {
  if (result.ok) return {}
  return {
    attempts: attempts + 1,
    waitingForEngine: true, // whatever the trouble was, an engine that is back is worth a try
    retryAt: backoff(result.at, maxDeletionRetryDelayMs, attempts + 1, result.jitter),
    reason: deletionRetryReason(result.fault, attempts + 1),
  }
}

function missingContainerUpdate(fault: Fault): ContextUpdate {
  return fault.kind === 'missing' ? { ...containerGoneUpdate, step: 'image' } : {}
}

/** Whether a container still runs is not known after a pause: commands in it begin with a boot, which finds that out. */
function stepAfterPause(step: ProvisioningStep): ProvisioningStep {
  return step === 'setup' ? 'boot' : step
}
