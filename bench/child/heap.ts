// Heap per idle workspace. Requires --expose-gc.
import { z } from 'zod'
import { parseOwner } from '../../src/workspace/id.ts'
import { writeResult, readInput } from './child-io.ts'
import { bareActors, storedIds } from './stored-workspaces.ts'
import { openSupervisor } from './open-supervisor.ts'

const { path, side } = readInput(z.object({ path: z.string(), side: z.enum(['service', 'bare']) }))

function heapUsed(): number {
  for (let n = 0; n < 4; n += 1) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const count = storedIds(path).length
const before = heapUsed()
if (side === 'bare') {
  const actors = bareActors(path)
  writeResult({ bytes: (heapUsed() - before) / count, count: actors.length })
} else {
  const { close, supervisor } = openSupervisor(path, () => storedIds(path))
  await supervisor.rehydrated
  await new Promise((resolve) => setImmediate(resolve)) // for the end of the first reconcile
  writeResult({
    bytes: (heapUsed() - before) / count,
    count: supervisor.list({ owner: '*' }, operatorCaller()).workspaces.length,
  })
  await close()
}

function operatorCaller() {
  const owner = parseOwner('root')
  if (!owner) throw new Error('root is not a valid owner')
  return { owner, operator: true }
}
