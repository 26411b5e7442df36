import { ApiError } from '../../client/api-error.ts'
import type { Client, Workspace } from '../../client/client.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'

/** The API's user commands, which are also the actions of the console. Its only update is a new TTL. */
export type WorkspaceAction = Workspace['can'][number]

export const workspaceActions = ['start', 'stop', 'restart', 'update', 'delete'] as const satisfies WorkspaceAction[]

const labels: Readonly<Record<WorkspaceAction, string>> = {
  start: 'Start',
  stop: 'Stop',
  restart: 'Restart',
  update: 'Extend',
  delete: 'Delete',
}

const maxConcurrentRequests = 8

export interface BulkActionResult {
  readonly accepted: number
  /** One message per refused workspace: its name and the reason. */
  readonly refusals: readonly string[]
}

/** Whether the service accepts the action for a workspace now. */
export function acceptsAction({ can }: Workspace, action: WorkspaceAction): boolean {
  return can.includes(action)
}

/** The label of the action's button. Starting failed workspaces is labelled as a retry. */
export function actionLabel(action: WorkspaceAction, selected: readonly Workspace[]): string {
  const isRetry = action === 'start' && selected.length > 0 && selected.every(({ status }) => status === 'failed')
  return isRetry ? 'Try again' : labels[action]
}

/** Sends the action to each selected workspace that accepts it. The refusal of one does not affect the others. */
export async function runBulkAction(
  { client, fleet }: { readonly client: Client; readonly fleet: FleetStore },
  action: WorkspaceAction,
  selected: readonly Workspace[],
  ttlSeconds: number | null = null,
): Promise<BulkActionResult> {
  const queue = selected.filter((workspace) => acceptsAction(workspace, action))
  const refusals: string[] = []
  let accepted = 0
  async function worker() {
    for (let workspace = queue.shift(); workspace; workspace = queue.shift())
      try {
        await send(workspace)
        accepted++
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        refusals.push(`${workspace.name}: ${error.message}`)
        fleet.refresh(workspace.id)
      }
  }
  async function send({ id }: Workspace) {
    if (action === 'delete') {
      await client.delete(id)
      fleet.refresh(id)
    } else
      fleet.putWorkspace(
        action === 'update' ? await client.update(id, { ttl_seconds: ttlSeconds }) : await client[action](id),
      )
  }
  await Promise.all(Array.from({ length: maxConcurrentRequests }, worker))
  return { accepted, refusals }
}
