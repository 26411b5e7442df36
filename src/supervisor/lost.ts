import { codeOf } from '../persistence/database-error.ts'
import { isNameTaken } from '../persistence/workspace-store.ts'
import type { Loss } from '../persistence/workspace-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'

/**
 * Logs the steps of a group that were lost, a line for each kind of error: a full disk refuses all of them alike, again at each sweep,
 * and may well be the one that the log lies on.
 */
export function logLost(lost: ReadonlyMap<WorkspaceId, Loss>, log: Log): void {
  const told = new Set<unknown>()
  for (const [id, { error }] of lost) {
    const kind = codeOf(error) ?? error
    if (isNameTaken(error) || told.has(kind)) continue
    told.add(kind)
    log.error(
      { err: error, workspace: id, lost: lost.size },
      'a step could not be written: the workspace is as it was before it',
    )
  }
}
