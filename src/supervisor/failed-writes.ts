import { errorCodeOf } from '../persistence/database-error.ts'
import { isNameTaken } from '../persistence/workspace-store.ts'
import type { FailedWrite } from '../persistence/workspace-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'

/**
 * Logs the steps of a group that were lost, a line for each kind of error: a full disk refuses all of them alike, again at each sweep,
 * and may well be the one that the log lies on.
 */
export function logFailedWrites(failedWrites: ReadonlyMap<WorkspaceId, FailedWrite>, log: Log): void {
  const logged = new Set<unknown>()
  for (const [id, { error }] of failedWrites) {
    const kind = errorCodeOf(error) ?? error
    if (isNameTaken(error) || logged.has(kind)) continue
    logged.add(kind)
    log.error(
      { err: error, workspace: id, lost: failedWrites.size },
      'a step could not be written: the workspace is as it was before it',
    )
  }
}
