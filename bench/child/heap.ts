// Heap for each idle workspace. Wants --expose-gc.
import { z } from 'zod'
import { parseOwner } from '../../src/workspace/id.ts'
import { answer, inputOf } from './input.ts'
import { bareActors, storedIds } from './stored.ts'
import { supervised } from './supervised.ts'

const { path, side } = inputOf(z.object({ path: z.string(), side: z.enum(['ours', 'bare']) }))

function heapUsed(): number {
  for (let n = 0; n < 4; n += 1) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const count = storedIds(path).length
const before = heapUsed()
if (side === 'bare') {
  const actors = bareActors(path)
  answer({ bytes: (heapUsed() - before) / count, count: actors.length })
} else {
  const { close, supervisor } = supervised(path, () => storedIds(path))
  await supervisor.rehydrated
  await new Promise((resolve) => setImmediate(resolve)) // the first look at the engine has ended too
  answer({ bytes: (heapUsed() - before) / count, count: supervisor.list({ owner: '*' }, operator()).workspaces.length })
  await close()
}

function operator() {
  const owner = parseOwner('root')
  if (!owner) throw new Error('root is no name')
  return { owner, operator: true }
}
