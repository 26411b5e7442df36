import type { Adopted, Created, Seen, Told } from '../supervisor/asked.ts'
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
      throw noSuchTemplate(created.known)
    case 'not-written':
      throw notWritten(created.error)
    default:
      return created satisfies never
  }
}

/** The workspace that a container was made again, or the refusal. */
export function adoptedIn(adopted: Adopted): Seen {
  switch (adopted.kind) {
    case 'adopted':
      return adopted.seen
    case 'unknown':
      throw new Problem('stray-not-found')
    case 'owned-otherwise':
      throw new Problem('invalid', {
        error: "owner: the container says that it is another one's.",
        details: [{ field: 'owner', problem: 'must be left out' }],
      })
    case 'says-too-little':
      throw new Problem('invalid', {
        error: `The container does not tell its ${adopted.lacks.join(', ')}: say it in the body.`,
        details: adopted.lacks.map((field) => ({ field, problem: 'must be given' })),
      })
    case 'name-taken':
      throw new Problem('name-taken')
    case 'no-such-template':
      throw noSuchTemplate(adopted.known)
    case 'not-written':
      throw notWritten(adopted.error)
    default:
      return adopted satisfies never
  }
}

function noSuchTemplate(known: readonly string[]): Problem {
  return new Problem('unknown-template', {
    error: `There is no such template. There are: ${known.join(', ')}.`,
    details: [{ field: 'template', problem: 'unknown' }],
  })
}

/** The refusal of what the database did not take. */
export function notWritten(cause: unknown): Problem {
  const problem = new Problem('not-written', { headers: { 'retry-after': '5' } })
  problem.cause = cause
  return problem
}
