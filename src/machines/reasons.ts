import type { ContainerExit } from '../workspace/container.ts'
import type { Fault } from '../workspace/fault.ts'
import type { WorkspaceContext } from './workspace-context.ts'

// The texts of `error_message`: what failed, at which step, after how many attempts, and whether trying again may help (law 5).

const afterAttempts = (attempts: number) => (attempts === 1 ? 'after 1 attempt' : `after ${attempts} attempts`)

/** The reason of a workspace that failed with `fault`. */
export function failureReason(context: WorkspaceContext, fault: Fault): string {
  const advice =
    fault.kind === 'permanent'
      ? 'Trying again will not help until this is fixed.'
      : 'Trying again may help: start the workspace.'
  return `Failed at step "${context.step}" ${afterAttempts(context.attempts + 1)}: ${asSentence(fault.message)}${fault.message.includes('\n') ? '\n' : ' '}${advice}`
}

/** The reason of a workspace whose step failed and is retried. */
export function retryReason(context: WorkspaceContext, fault: Fault): string {
  return `Step "${context.step}" failed ${afterAttempts(context.attempts + 1)} and will be retried: ${asSentence(fault.message)}`
}

/** The reason of a workspace whose step needs an unavailable engine. */
export function engineUnavailableReason(context: WorkspaceContext, fault: Fault): string {
  return `Step "${context.step}" waits for the engine: ${asSentence(fault.message)}`
}

/** The reason of a workspace that was not running in time. */
export function timeoutReason({ step, attempts, reason }: WorkspaceContext): string {
  const lastFailure = reason === null ? '' : ` The last failure was: ${asSentence(reason)}`
  return `No success in time: it was at step "${step}" ${afterAttempts(attempts)}.${lastFailure} Trying again may help: start the workspace.`
}

/** The reason of a workspace whose stop or restart failed: it still runs, or is stopped if it had not been running yet. */
export function stopFailedReason({ connection }: WorkspaceContext, message: string): string {
  if (connection === null)
    return `The workspace was starting, and may not have been stopped: ${asSentence(message)} If it is running later, stop it again.`
  return `The workspace could not be stopped and is still up: ${asSentence(message)} Stop it again, or delete it.`
}

export const stopTimeoutMessage = 'the engine did not confirm the stop in time.'

/** The reason of a workspace whose stop failed and is retried. */
export function stopRetryReason(fault: Fault): string {
  return `It could not be stopped yet: ${asSentence(fault.message)} This is retried.`
}

/** The reason of a workspace whose container exited by itself. */
export function exitReason({ code, outOfMemory, wentDownWithEngine }: ContainerExit): string {
  const exitText = code === null ? 'an unknown exit code' : `exit code ${code}`
  if (outOfMemory)
    return `It was killed because it ran out of memory (${exitText}). Start it again, or use a template with a higher memory limit.`
  if (wentDownWithEngine) return 'It went down together with its engine and is being started again.'
  return `It ended with ${exitText} although vm-api did not stop it. Start the workspace to run it again.`
}

export const vanishedReason =
  'Its container was removed by someone else, with the files in it. Start the workspace to create a new one from its template.'

/** The reason of a workspace whose removal failed and is retried. */
export function deletionRetryReason(fault: Fault, attempts: number): string {
  return `Its container could not be removed yet, ${afterAttempts(attempts)}: ${asSentence(fault.message)} This is retried until the container is gone.`
}

/** Ends a text with a full stop, unless it ends with the output of a command. */
function asSentence(text: string): string {
  const trimmed = text.trimEnd()
  if (trimmed.includes('\n')) return trimmed
  return /[.!?\n]$/.test(trimmed) ? trimmed : `${trimmed}.`
}
