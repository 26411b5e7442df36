import type { AdoptResult } from '../../supervisor/orphans.ts'
import type { CreateResult } from '../../supervisor/admission.ts'
import type { WorkspaceView } from '../../supervisor/actors.ts'
import type { CommandResult } from '../../supervisor/commands.ts'
import { Problem } from './problem.ts'
import { presentWorkspaceJson } from './workspace.ts'

/** The workspace that a command was accepted for, or the refusal. */
export function unwrapCommandResult(result: CommandResult): WorkspaceView {
  switch (result.kind) {
    case 'accepted':
      return result.view
    case 'not-found':
      throw new Problem('workspace-not-found')
    case 'name-taken':
      throw new Problem('name-taken')
    case 'refused':
      throw new Problem('refused-in-state', {
        error: `The workspace does not take this command in state "${result.state}". Its "can" lists what it takes.`,
        state: result.state,
      })
    case 'write-failed':
      throw notWrittenProblem(result.error)
    default:
      return result satisfies never
  }
}

/** What a create is answered with, as JSON text, or the refusal. */
export function presentCreateResult(result: CreateResult): string {
  switch (result.kind) {
    case 'created':
      return presentWorkspaceJson(result.view)
    case 'replayed':
      return result.response
    case 'key-reused':
      throw new Problem('idempotency-key-reused')
    case 'name-taken':
      throw new Problem('name-taken')
    case 'unknown-template':
      throw unknownTemplateProblem(result.available)
    case 'write-failed':
      throw notWrittenProblem(result.error)
    default:
      return result satisfies never
  }
}

/** The workspace that a container was made again, or the refusal. */
export function unwrapAdoptResult(result: AdoptResult): WorkspaceView {
  switch (result.kind) {
    case 'adopted':
      return result.view
    case 'not-found':
      throw new Problem('orphan-not-found')
    case 'owner-mismatch':
      throw new Problem('invalid', {
        error: "owner: the container says that it is another one's.",
        details: [{ field: 'owner', problem: 'must be left out' }],
      })
    case 'labels-missing':
      throw new Problem('invalid', {
        error: `The container does not tell its ${result.missing.join(', ')}: say it in the body.`,
        details: result.missing.map((field) => ({ field, problem: 'must be given' })),
      })
    case 'name-taken':
      throw new Problem('name-taken')
    case 'unknown-template':
      throw unknownTemplateProblem(result.available)
    case 'write-failed':
      throw notWrittenProblem(result.error)
    default:
      return result satisfies never
  }
}

function unknownTemplateProblem(available: readonly string[]): Problem {
  return new Problem('unknown-template', {
    error: `There is no such template. There are: ${available.join(', ')}.`,
    details: [{ field: 'template', problem: 'unknown' }],
  })
}

/** The refusal of what the database did not take. */
export function notWrittenProblem(cause: unknown): Problem {
  const problem = new Problem('not-written', { headers: { 'retry-after': '5' } })
  problem.cause = cause
  return problem
}
