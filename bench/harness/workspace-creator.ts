import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { historyLineSchema } from '../../src/wire/history.ts'
import { workspaceSchema } from '../../src/wire/workspace.ts'
import type { ServerProcess } from './server-process.ts'

/** The timing of a create, from the journal. */
export interface CreateTiming {
  readonly id: string
  /** From the first line to the last. */
  readonly ms: number
  /** Milliseconds since the previous line, by event. */
  readonly steps: Readonly<Record<string, number>>
}

/** Creates workspaces through the API, one at a time. */
export function workspaceCreator({ url }: ServerProcess) {
  const headers = { 'x-vm-user': 'owner-0', 'content-type': 'application/json' }
  let count = 0

  async function request(path: string, init: RequestInit = {}): Promise<unknown> {
    const response = await fetch(`${url}/api/v1${path}`, { ...init, headers })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  return {
    async create(): Promise<CreateTiming> {
      count += 1
      const body = JSON.stringify({ name: `create-${count}` })
      let current = workspaceSchema.parse(await request('/workspaces', { method: 'POST', body }))
      while (current.status === 'creating') {
        await delay(20) // polls as clients do; the timing comes from the journal
        current = workspaceSchema.parse(await request(`/workspaces/${current.id}`))
      }
      if (current.status !== 'running') throw new Error(`a create ended in ${current.status}: ${current.error_message}`)
      const lines = z.array(historyLineSchema).parse(await request(`/workspaces/${current.id}/history`))
      const times = lines.map(({ at, event }) => ({ at: Date.parse(at), event }))
      const [first, last] = [times[0]?.at ?? Number.NaN, times.at(-1)?.at ?? Number.NaN]
      const steps = Object.fromEntries(times.map(({ at, event }, n) => [event, at - (times[n - 1]?.at ?? at)]))
      return { id: current.id, ms: last - first, steps }
    },
    async remove(id: string): Promise<void> {
      await request(`/workspaces/${id}`, { method: 'DELETE' })
    },
  }
}
