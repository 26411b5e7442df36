import { ApiError } from '../client/api-error.ts'
import type { Client, Workspace } from '../client/client.ts'
import type { Fleet } from './fleet.ts'

export const acts = ['start', 'stop', 'restart', 'extend', 'delete'] as const
export type Act = (typeof acts)[number]

/** The command of the API that an act is. */
const commands = { start: 'start', stop: 'stop', restart: 'restart', extend: 'amend', delete: 'delete' } as const

/** So many are told at a time. */
const atOnce = 8

export interface Outcome {
  readonly done: number
  /** Each with the workspace's name and why. */
  readonly refused: readonly string[]
}

/** Whether a workspace accepts an act now, as the service says. */
export function accepts({ can }: Workspace, act: Act): boolean {
  return can.includes(commands[act])
}

/** What stands on the button. A start of a failed one tries it again. */
export function actName(act: Act, chosen: readonly Workspace[]): string {
  const isRetry = act === 'start' && chosen.length > 0 && chosen.every(({ status }) => status === 'failed')
  return isRetry ? 'Try again' : names[act]
}

const names = { start: 'Start', stop: 'Stop', restart: 'Restart', extend: 'Extend', delete: 'Delete' } as const

/** Does an act on each of the chosen that accepts it. A refusal of one holds up no other. */
export async function perform(
  { client, fleet }: { readonly client: Client; readonly fleet: Fleet },
  act: Act,
  chosen: readonly Workspace[],
  ttlSeconds: number | null = null,
): Promise<Outcome> {
  const queue = chosen.filter((workspace) => accepts(workspace, act))
  const refused: string[] = []
  let done = 0
  async function work() {
    for (let next = queue.shift(); next; next = queue.shift())
      try {
        await one(next)
        done++
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        refused.push(`${next.name}: ${error.message}`)
        fleet.refresh(next.id)
      }
  }
  async function one({ id }: Workspace) {
    if (act === 'delete') {
      await client.delete(id)
      fleet.refresh(id)
    } else
      fleet.answered(act === 'extend' ? await client.amend(id, { ttl_seconds: ttlSeconds }) : await client[act](id))
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return { done, refused }
}
