// Transitions made durable by many clients at once, each of whom waits for its own before it asks for the next.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { z } from 'zod'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { parseOwner } from '../../src/workspace/id.ts'
import { answer, inputOf } from './input.ts'
import { oneByOne } from './one-by-one.ts'
import { storedIds } from './stored.ts'
import { supervised } from './supervised.ts'

const shape = z.object({ path: z.string(), side: z.enum(['ours', 'bare']), seconds: z.number() })
const { path, seconds, side } = inputOf(shape)
const ids = storedIds(path)
const owner = parseOwner('owner-0')
if (!owner) throw new Error('owner-0 is no name')

const { close, step } = side === 'ours' ? await grouped(owner) : oneByOne(path)

async function grouped(by: NonNullable<typeof owner>) {
  const { close, supervisor } = supervised(path, () => ids)
  await supervisor.rehydrated
  return {
    close,
    async step(id: WorkspaceId, n: number) {
      const told = await supervisor.tell(id, { owner: by, operator: false }, { type: 'amend', metadata: { n } })
      if (told.kind !== 'accepted') throw new Error(`a step was answered ${told.kind}`)
    },
  }
}

let count = 0
let until = 0
async function client(id: WorkspaceId) {
  while (performance.now() < until) {
    count += 1
    await step(id, count)
  }
}

async function all(ms: number) {
  until = performance.now() + ms
  await Promise.all(ids.map(client))
}

await all(500) // compiled by then
count = 0
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const began = performance.now()
await all(seconds * 1000)
const perSecond = count / ((performance.now() - began) / 1000)
await new Promise((resolve) => setTimeout(resolve, 20)) // the last delay is noted by a timer
delay.disable()
answer({ perSecond, longestMs: delay.max / 1e6, fsyncMs: fsyncMs() })
await close()

/** What an fsync costs as this process sees it. */
function fsyncMs(): number {
  const file = openSync(`${path}.fsync`, 'w')
  const times = Array.from({ length: 9 }, () => {
    writeSync(file, 'x')
    const start = performance.now()
    fsyncSync(file)
    return performance.now() - start
  })
  closeSync(file)
  return times.toSorted((a, b) => a - b)[4] ?? Number.NaN
}
