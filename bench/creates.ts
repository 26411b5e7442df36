import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { historyLine } from '../src/wire/history.ts'
import { workspace } from '../src/wire/workspace.ts'
import type { Server } from './server.ts'

/** A create, as the journal tells of it. */
export interface Told {
  readonly id: string
  /** From its first line to its last. */
  readonly ms: number
  /** How long each line came after the one before it, in ms, by its event. */
  readonly steps: Readonly<Record<string, number>>
}

/** Creates workspaces over the API, one after the other. */
export function creates({ url }: Server) {
  const headers = { 'x-vm-user': 'owner-0', 'content-type': 'application/json' }
  let count = 0

  async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
    const response = await fetch(`${url}/api/v1${path}`, { ...init, headers })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  return {
    async one(): Promise<Told> {
      count += 1
      const body = JSON.stringify({ name: `create-${count}` })
      let made = workspace.parse(await ask('/workspaces', { method: 'POST', body }))
      while (made.status === 'creating') {
        await delay(20) // polled as clients do; what is taken is the journal's times
        made = workspace.parse(await ask(`/workspaces/${made.id}`))
      }
      if (made.status !== 'running') throw new Error(`a create ended ${made.status}: ${made.error_message}`)
      const lines = z.array(historyLine).parse(await ask(`/workspaces/${made.id}/history`))
      const times = lines.map(({ at, event }) => ({ at: Date.parse(at), event }))
      const [first, last] = [times[0]?.at ?? Number.NaN, times.at(-1)?.at ?? Number.NaN]
      const steps = Object.fromEntries(times.map(({ at, event }, n) => [event, at - (times[n - 1]?.at ?? at)]))
      return { id: made.id, ms: last - first, steps }
    },
    async remove(id: string): Promise<void> {
      await ask(`/workspaces/${id}`, { method: 'DELETE' })
    },
  }
}
