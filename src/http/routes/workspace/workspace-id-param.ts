import type { WorkspaceId } from '../../../workspace/id.ts'
import { parseWorkspaceId } from '../../../workspace/id.ts'
import { Problem } from '../../presenters/problem.ts'

/**
 * The id in a path.
 * @throws {Problem} `workspace-not-found` for an invalid id, as for one that does not exist.
 */
export function workspaceIdParam({ id }: { id: string }): WorkspaceId {
  const parsed = parseWorkspaceId(id)
  if (!parsed) throw new Problem('workspace-not-found')
  return parsed
}
