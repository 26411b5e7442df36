import { ApiError } from '../../client/api-error.ts'
import type { Client, Workspace } from '../../client/client.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'

export const workspaceActions = ['start', 'stop', 'restart', 'extend', 'delete'] as const
export type WorkspaceAction = (typeof workspaceActions)[number]

/** The command of the API that an act is. */
const apiCommands = { start: 'start', stop: 'stop', restart: 'restart', extend: 'update', delete: 'delete' } as const

/** So many are told at a time. */
const maxConcurrent = 8

export interface BulkActionResult {
  readonly accepted: number
  /** Each with the workspace's name and why. */
  readonly refusals: readonly string[]
}

/** Whether a workspace accepts an act now, as the service says. */
export function acceptsAction({ can }: Workspace, action: WorkspaceAction): boolean {
  return can.includes(apiCommands[action])
}

/** What stands on the button. A start of a failed one tries it again. */
export function actionLabel(action: WorkspaceAction, selected: readonly Workspace[]): string {
  const isRetry = action === 'start' && selected.length > 0 && selected.every(({ status }) => status === 'failed')
  return isRetry ? 'Try again' : labels[action]
}

const labels = { start: 'Start', stop: 'Stop', restart: 'Restart', extend: 'Extend', delete: 'Delete' } as const

/** Does an act on each of the chosen that accepts it. A refusal of one holds up no other. */
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
        action === 'extend' ? await client.update(id, { ttl_seconds: ttlSeconds }) : await client[action](id),
      )
  }
  await Promise.all(Array.from({ length: maxConcurrent }, worker))
  return { accepted, refusals }
}
