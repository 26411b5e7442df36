import type { Created, Seen, Told } from '../supervisor/asked.ts'
import { Problem } from './problem.ts'
import { viewText } from './view.ts'

/** The workspace that a command was accepted for, or the refusal. */
export function seenIn(told: Told): Seen {
  switch (told.kind) {
    case 'accepted':
      return told.seen
    case 'unknown':
      throw new Problem('workspace-not-found')
    case 'name-taken':
      throw new Problem('name-taken')
    case 'refused':
      throw new Problem('refused-in-state', {
        error: `The workspace does not take this command in state "${told.state}". Its "can" lists what it takes.`,
        state: told.state,
      })
    case 'not-written':
      throw notWritten(told.error)
    default:
      return told satisfies never
  }
}

/** What a create is answered with, as JSON text, or the refusal. */
export function createdText(created: Created): string {
  switch (created.kind) {
    case 'created':
      return viewText(created.seen)
    case 'repeated':
      return created.answer
    case 'key-reused':
      throw new Problem('idempotency-key-reused')
    case 'name-taken':
      throw new Problem('name-taken')
    case 'no-such-template':
      throw new Problem('unknown-template', {
        error: `There is no such template. There are: ${created.known.join(', ')}.`,
        details: [{ field: 'template', problem: 'unknown' }],
      })
    case 'not-written':
      throw notWritten(created.error)
    default:
      return created satisfies never
  }
}

/** The refusal of what the database did not take. */
export function notWritten(cause: unknown): Problem {
  const problem = new Problem('not-written', { headers: { 'retry-after': '5' } })
  problem.cause = cause
  return problem
}
