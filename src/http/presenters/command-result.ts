import type { AdoptResult } from '../../supervisor/orphans.ts'
import type { CreateResult } from '../../supervisor/admission.ts'
import type { WorkspaceView } from '../../supervisor/actors.ts'
import type { CommandResult } from '../../supervisor/commands.ts'
import { Problem } from './problem.ts'
import type { WorkspaceJsonRenderer } from './workspace.ts'

/**
 * The workspace that accepted a command.
 * @throws {Problem} when the command was not accepted.
 */
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
        error: `The workspace does not accept this command in state "${result.state}". Its "can" lists the commands that it accepts.`,
        state: result.state,
      })
    case 'write-failed':
      throw notWrittenProblem(result.error)
    default:
      return result satisfies never
  }
}

/**
 * The response to a create request, as JSON text.
 * @throws {Problem} when no workspace was created.
 */
export function presentCreateResult(result: CreateResult, renderJson: WorkspaceJsonRenderer): string {
  switch (result.kind) {
    case 'created':
      return renderJson(result.view)
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

/**
 * The workspace of an adopted container.
 * @throws {Problem} when the container was not adopted.
 */
export function unwrapAdoptResult(result: AdoptResult): WorkspaceView {
  switch (result.kind) {
    case 'adopted':
      return result.view
    case 'not-found':
      throw new Problem('orphan-not-found')
    case 'owner-mismatch':
      throw new Problem('invalid', {
        error: 'owner: the container belongs to another owner. Leave the field out.',
        details: [{ field: 'owner', problem: 'must be left out' }],
      })
    case 'labels-missing':
      throw new Problem('invalid', {
        error: `The container has no valid label for: ${result.missing.join(', ')}. Send each as a field of the body.`,
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
    error: `There is no such template. Available: ${available.join(', ')}.`,
    details: [{ field: 'template', problem: 'unknown' }],
  })
}

/** The problem of a failed database write, with the error as its cause for the log. */
export function notWrittenProblem(cause: unknown): Problem {
  const problem = new Problem('not-written', { headers: { 'retry-after': '5' } })
  problem.cause = cause
  return problem
}
