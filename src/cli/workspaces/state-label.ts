import type { Workspace } from '../../client/client.ts'
import type { Style } from '../output/output.ts'

/** The status, or the exact state while something is in progress. */
export function workspaceStateLabel({ settled, state, status }: Workspace): string {
  return settled ? status : state
}

export function workspaceStateStyle({ ready, settled, status }: Workspace): Style {
  if (status === 'failed') return 'red'
  if (ready) return 'green'
  return settled ? 'dim' : 'yellow'
}

/** Whether a line of a history leads to the status `failed`: the first part of a state is the status. */
export function isFailure({ to }: { readonly to: string }): boolean {
  return to.split('.')[0] === ('failed' satisfies Workspace['status'])
}
