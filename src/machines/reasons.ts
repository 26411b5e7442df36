import type { ContainerExit } from '../workspace/container.ts'
import type { Fault } from '../workspace/fault.ts'
import type { WorkspaceContext } from './workspace-context.ts'

// What people read in `error_message`: what failed, at which step, after how many attempts, and whether trying again may help (law 5).

const afterAttempts = (attempts: number) => (attempts === 1 ? 'after 1 attempt' : `after ${attempts} attempts`)

/** The reason of a workspace that failed with `fault`, its last attempt counted. */
export function failureReason(context: WorkspaceContext, fault: Fault): string {
  const advice =
    fault.kind === 'permanent'
      ? 'Trying again will not help before that is changed.'
      : 'Trying again may help: start the workspace.'
  return `Failed at step "${context.step}" ${afterAttempts(context.attempts + 1)}: ${asSentence(fault.message)}${fault.message.includes('\n') ? '\n' : ' '}${advice}`
}

/** The reason of a workspace whose step failed and is tried again. */
export function retryReason(context: WorkspaceContext, fault: Fault): string {
  return `Step "${context.step}" failed ${afterAttempts(context.attempts + 1)} and is tried again: ${asSentence(fault.message)}`
}

/** The reason of a workspace whose step found the engine away. */
export function engineUnavailableReason(context: WorkspaceContext, fault: Fault): string {
  return `Step "${context.step}" waits for the engine: ${asSentence(fault.message)}`
}

/** The reason of a workspace whose provisioning, or start, was not done in time. */
export function timeoutReason({ step, attempts, reason }: WorkspaceContext): string {
  const lastFailure = reason === null ? '' : ` The last trouble was: ${asSentence(reason)}`
  return `No success in time: it was at step "${step}" ${afterAttempts(attempts)}.${lastFailure} Trying again may help: start the workspace.`
}

/** The reason that a workspace carries whose stop or restart failed: it is still up, or rests if it had not come up yet. */
export function stopFailedReason({ connection }: WorkspaceContext, message: string): string {
  if (connection === null)
    return `It was being started, and whether it could be stopped is not known: ${asSentence(message)} If it comes up all the same, stop it again.`
  return `It could not be stopped and is still up: ${asSentence(message)} Stop it again, or delete it.`
}

export const stopTimeoutMessage = 'the engine did not say in time that it had stopped.'

/** The reason of a workspace whose stop failed and is tried again. */
export function stopRetryReason(fault: Fault): string {
  return `It could not be stopped yet: ${asSentence(fault.message)} It is tried again.`
}

/** The reason of a workspace whose container ended without being asked to. */
export function exitReason({ code, outOfMemory, wentDownWithEngine }: ContainerExit): string {
  const exitText = code === null ? 'an exit code that nobody saw' : `exit code ${code}`
  if (outOfMemory)
    return `It was killed because it ran out of memory (${exitText}). Start it again, or use a template with a higher memory limit.`
  if (wentDownWithEngine) return 'It went down together with its engine and is being started again.'
  return `It ended with ${exitText}, and not because vm-api stopped it. Start it to run it again.`
}

export const vanishedReason =
  'Its container was removed by someone else, with the files in it. Start it to make a new one from its template.'

/** The reason of a workspace that is being deleted and could not be yet. */
export function deletionRetryReason(fault: Fault, attempts: number): string {
  return `Its container could not be removed yet, ${afterAttempts(attempts)}: ${asSentence(fault.message)} It is tried again until it is gone.`
}

/** As a sentence, unless it ends with somebody else's output. */
function asSentence(text: string): string {
  const trimmed = text.trimEnd()
  if (trimmed.includes('\n')) return trimmed
  return /[.!?\n]$/.test(trimmed) ? trimmed : `${trimmed}.`
}
