// Transitions made durable by many clients at once, each of whom waits for its own before it asks for the next.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { z } from 'zod'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { parseOwner } from '../../src/workspace/id.ts'
import { writeResult, readInput } from './child-io.ts'
import { commitPerTransition } from './commit-per-transition.ts'
import { storedIds } from './stored-workspaces.ts'
import { openSupervisor } from './open-supervisor.ts'

const schema = z.object({ path: z.string(), side: z.enum(['ours', 'bare']), seconds: z.number() })
const { path, seconds, side } = readInput(schema)
const ids = storedIds(path)
const owner = parseOwner('owner-0')
if (!owner) throw new Error('owner-0 is no name')

const { close, transition } = side === 'ours' ? await groupedCommits(owner) : commitPerTransition(path)

async function groupedCommits(caller: NonNullable<typeof owner>) {
  const { close, supervisor } = openSupervisor(path, () => ids)
  await supervisor.rehydrated
  return {
    close,
    async transition(id: WorkspaceId, n: number) {
      const result = await supervisor.send(id, { owner: caller, operator: false }, { type: 'update', metadata: { n } })
      if (result.kind !== 'accepted') throw new Error(`a step was answered ${result.kind}`)
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

await runClients(500) // compiled by then
count = 0
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const startedAt = performance.now()
await runClients(seconds * 1000)
const perSecond = count / ((performance.now() - startedAt) / 1000)
await new Promise((resolve) => setTimeout(resolve, 20)) // the last delay is noted by a timer
delay.disable()
writeResult({ perSecond, longestMs: delay.max / 1e6, fsyncMs: measureFsyncMs() })
await close()

/** What an fsync costs as this process sees it. */
function measureFsyncMs(): number {
  const fd = openSync(`${path}.fsync`, 'w')
  const durationsMs = Array.from({ length: 9 }, () => {
    writeSync(fd, 'x')
    const start = performance.now()
    fsyncSync(fd)
    return performance.now() - start
  })
  closeSync(fd)
  return durationsMs.toSorted((a, b) => a - b)[4] ?? Number.NaN
}
