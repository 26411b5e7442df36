import type { Connection, Exit } from '../workspace/container.ts'
import type { Fault } from '../workspace/fault.ts'
import type { Step, WorkspaceContext } from './workspace-context.ts'
import { backoff, expiry, limitMs, triesOf, triesOfHalt } from './workspace-context.ts'
import type { Amendment, Answer } from './workspace-event.ts'
import {
  deletionPostponed,
  exitReason,
  failure,
  haltFailed,
  haltOutOfTime,
  haltPostponed,
  outOfTime,
  tryingAgain,
  vanishedReason,
  waitingForEngine,
} from './workspace-reason.ts'

// How each thing that happens changes a workspace's context. Pure; the chart says when.

type Change = Partial<WorkspaceContext>

const provisioningPauseMs = 30_000
/** What is left of a deadline, at least, after the service was away. */
const fairChanceMs = 5 * 60_000
// Who comes back is told of, and ends the pause: this is for when that was missed.
const awayPauseMs = 15_000
const deletionPauseMs = 60_000

/** Provisioning or a start begins: new tries, a new deadline. */
export function begun(at: number, step: Step): Change {
  return { step, tries: 0, deadline: at + limitMs, reason: null, progress: null }
}

/** It goes on after the service was away: with what is left of its time, and at least a few minutes. */
export function goneOn({ deadline, step }: WorkspaceContext, at: number): Change {
  return {
    deadline: Math.min(Math.max(deadline, at + fairChanceMs), at + limitMs),
    progress: null,
    step: restartable(step),
  }
}

export function halting(at: number): Change {
  return { tries: 0, deadline: at + limitMs, reason: null, progress: null }
}

export function amended({ name, ttlSeconds, metadata }: Amendment, at: number): Change {
  return {
    ...(name !== undefined && { name }),
    ...(metadata !== undefined && { metadata }),
    ...(ttlSeconds !== undefined && { ttlSeconds, expiresAt: expiry(at, ttlSeconds) }),
  }
}

/** Is the step that answered `it` worth another try? Waiting for an engine that is away spends none (law 5). */
export function worthRetrying({ step, tries }: WorkspaceContext, it: Answer<unknown>): boolean {
  if (it.ok || it.fault.again === 'never') return false
  return it.fault.again === 'away' || tries + 1 < triesOf[step]
}

/** The step failed and is tried again later; a container that is gone is made anew, a setup begins with a boot. */
export function retrying(context: WorkspaceContext, it: Answer<unknown>): Change {
  if (it.ok) return {}
  const away = it.fault.again === 'away'
  const tries = away ? context.tries : context.tries + 1
  return {
    tries,
    forEngine: away,
    retryAt: backoff(it.at, away ? awayPauseMs : provisioningPauseMs, away ? Infinity : tries, it.luck),
    reason: away ? waitingForEngine(context, it.fault) : tryingAgain(context, it.fault),
    progress: null,
    step: restartable(context.step),
    ...without(it.fault),
  }
}

/** Is a halt that answered `it` worth another try? */
export function worthHaltingAgain({ tries }: WorkspaceContext, it: Answer<unknown>): boolean {
  if (it.ok || it.fault.again === 'never') return false
  return it.fault.again === 'away' || tries + 1 < triesOfHalt
}

/** The halt failed and is tried again later. */
export function haltRetrying({ tries }: WorkspaceContext, it: Answer<unknown>): Change {
  if (it.ok) return {}
  const away = it.fault.again === 'away'
  return {
    tries: away ? tries : tries + 1,
    forEngine: away,
    retryAt: backoff(it.at, away ? awayPauseMs : provisioningPauseMs, away ? Infinity : tries + 1, it.luck),
    reason: haltPostponed(it.fault),
  }
}

/** The step failed for good. */
export function blamed(context: WorkspaceContext, it: Answer<unknown>): Change {
  if (it.ok) return {}
  const reason = failure(context, it.fault)
  return { tries: context.tries + 1, reason, progress: null, connection: null, ...without(it.fault) }
}

export function blamedTime(context: WorkspaceContext): Change {
  return { reason: outOfTime(context), progress: null, connection: null }
}

export function blamedHalt(context: WorkspaceContext, it: Answer<unknown>): Change {
  return it.ok ? {} : { tries: 0, reason: haltFailed(context, it.fault.message) }
}

export function blamedHaltTime(context: WorkspaceContext): Change {
  return { tries: 0, reason: haltFailed(context, haltOutOfTime) }
}

/** A step is done, and what it found is kept. */
export function reached(step: Step, found: Change): Change {
  return { step, reason: null, progress: null, ...found }
}

export const ready: Change = { prepared: true, tries: 0, reason: null, progress: null }

export const rested: Change = { tries: 0, connection: null, reason: null, progress: null }

export function exited(exit: Exit): Change {
  return { connection: null, reason: exitReason(exit) }
}

/** The container is gone; why the workspace rests stays as it was. */
export const forgotten: Change = { containerId: null, prepared: false, connection: null }

export const vanished: Change = { ...forgotten, reason: vanishedReason }

export function appeared(connection: Connection): Change {
  return { connection, reason: null }
}

export const deleting: Change = { tries: 0, reason: null, progress: null, connection: null }

/** Deleting is tried for ever, at most a minute apart (law 4). */
export function deletionRetrying({ tries }: WorkspaceContext, it: Answer<unknown>): Change {
  if (it.ok) return {}
  return {
    tries: tries + 1,
    forEngine: true, // whatever the trouble was, an engine that is back is worth a try
    retryAt: backoff(it.at, deletionPauseMs, tries + 1, it.luck),
    reason: deletionPostponed(it.fault, tries + 1),
  }
}

function without(fault: Fault): Change {
  return fault.again === 'gone' ? { ...forgotten, step: 'image' } : {}
}

/** Whether a container still runs is not known after a pause: commands in it begin with a boot, which finds that out. */
function restartable(step: Step): Step {
  return step === 'setup' ? 'boot' : step
}
