import type { Exit } from '../workspace/container.ts'
import type { Fault } from '../workspace/fault.ts'
import type { WorkspaceContext } from './workspace-context.ts'

// What people read in `error_message`: what failed, at which step, after how many tries, and whether trying again may help (law 5).

const after = (tries: number) => (tries === 1 ? 'after 1 try' : `after ${tries} tries`)

/** The reason of a workspace that failed with `fault`, its last try counted. */
export function failure(context: WorkspaceContext, fault: Fault): string {
  const again =
    fault.again === 'never'
      ? 'Trying again will not help before that is changed.'
      : 'Trying again may help: start the workspace.'
  return `Failed at step "${context.step}" ${after(context.tries + 1)}: ${sentence(fault.message)}${fault.message.includes('\n') ? '\n' : ' '}${again}`
}

/** The reason of a workspace whose step failed and is tried again. */
export function tryingAgain(context: WorkspaceContext, fault: Fault): string {
  return `Step "${context.step}" failed ${after(context.tries + 1)} and is tried again: ${sentence(fault.message)}`
}

/** The reason of a workspace whose step found the engine away. */
export function waitingForEngine(context: WorkspaceContext, fault: Fault): string {
  return `Step "${context.step}" waits for the engine: ${sentence(fault.message)}`
}

/** The reason of a workspace whose provisioning, or start, was not done in time. */
export function outOfTime({ step, tries, reason }: WorkspaceContext): string {
  const last = reason === null ? '' : ` The last trouble was: ${sentence(reason)}`
  return `No success in time: it was at step "${step}" ${after(tries)}.${last} Trying again may help: start the workspace.`
}

/** The reason that a workspace carries whose stop or restart failed: it is still up, or rests if it had not come up yet. */
export function haltFailed({ connection }: WorkspaceContext, message: string): string {
  if (connection === null)
    return `It was being started, and whether it could be stopped is not known: ${sentence(message)} If it comes up all the same, stop it again.`
  return `It could not be stopped and is still up: ${sentence(message)} Stop it again, or delete it.`
}

export const haltOutOfTime = 'the engine did not say in time that it had stopped.'

/** The reason of a workspace whose stop failed and is tried again. */
export function haltPostponed(fault: Fault): string {
  return `It could not be stopped yet: ${sentence(fault.message)} It is tried again.`
}

/** The reason of a workspace whose container ended without being asked to. */
export function exitReason({ code, outOfMemory, withEngine }: Exit): string {
  const exit = code === null ? 'an exit code that nobody saw' : `exit code ${code}`
  if (outOfMemory)
    return `It was killed because it ran out of memory (${exit}). Start it again, or use a template with a higher memory limit.`
  if (withEngine) return 'It went down together with its engine and is being started again.'
  return `It ended with ${exit}, and not because vm-api stopped it. Start it to run it again.`
}

export const vanishedReason =
  'Its container was removed by someone else, with the files in it. Start it to make a new one from its template.'

/** The reason of a workspace that is being deleted and could not be yet. */
export function deletionPostponed(fault: Fault, tries: number): string {
  return `Its container could not be removed yet, ${after(tries)}: ${sentence(fault.message)} It is tried again until it is gone.`
}

/** As a sentence, unless it ends with somebody else's output. */
function sentence(text: string): string {
  const trimmed = text.trimEnd()
  if (trimmed.includes('\n')) return trimmed
  return /[.!?\n]$/.test(trimmed) ? trimmed : `${trimmed}.`
}
