// Durable transitions of concurrent clients, each of which waits for its transition before it sends the next.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { z } from 'zod'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { parseOwner } from '../../src/workspace/id.ts'
import { medianFsyncMs } from '../statistics.ts'
import { writeResult, readInput } from './child-io.ts'
import { commitPerTransition } from './commit-per-transition.ts'
import { storedIds } from './stored-workspaces.ts'
import { openSupervisor } from './open-supervisor.ts'

const schema = z.object({ path: z.string(), side: z.enum(['service', 'bare']), seconds: z.number() })
const { path, seconds, side } = readInput(schema)
const ids = storedIds(path)
const owner = parseOwner('owner-0')
if (!owner) throw new Error('owner-0 is not a valid owner')

const { close, transition } = side === 'service' ? await groupedCommits(owner) : commitPerTransition(path)

async function groupedCommits(caller: NonNullable<typeof owner>) {
  const { close, supervisor } = openSupervisor(path, () => ids)
  await supervisor.rehydrated
  return {
    close,
    async transition(id: WorkspaceId, n: number) {
      const result = await supervisor.send(id, { owner: caller, operator: false }, { type: 'update', metadata: { n } })
      if (result.kind !== 'accepted') throw new Error(`an update was not accepted: ${result.kind}`)
    },
  }
}

let count = 0
let deadline = 0
async function client(id: WorkspaceId) {
  while (performance.now() < deadline) {
    count += 1
    await transition(id, count)
  }
}

async function runClients(ms: number) {
  deadline = performance.now() + ms
  await Promise.all(ids.map(client))
}

await runClients(500) // warm-up
count = 0
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const startedAt = performance.now()
await runClients(seconds * 1000)
const perSecond = count / ((performance.now() - startedAt) / 1000)
await new Promise((resolve) => setTimeout(resolve, 20)) // a timer records the last delay
delay.disable()
writeResult({ perSecond, longestMs: delay.max / 1e6, fsyncMs: medianFsyncMs(`${path}.fsync`, 9) })
await close()
