// The time until every stored workspace is rehydrated.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { z } from 'zod'
import { writeResult, readInput } from './child-io.ts'
import { bareActors, storedIds } from './stored-workspaces.ts'
import { openSupervisor } from './open-supervisor.ts'

const { path, side } = readInput(z.object({ path: z.string(), side: z.enum(['service', 'bare']) }))

const ids = storedIds(path)
const delay = monitorEventLoopDelay({ resolution: 1 })
await new Promise((resolve) => setTimeout(resolve, 20)) // for work that module loading left pending
delay.enable()
const startedAt = performance.now()
if (side === 'bare') {
  const actors = bareActors(path)
  writeResult({ ms: performance.now() - startedAt, count: actors.length, longestMs: 0 })
} else {
  const { close, supervisor } = openSupervisor(path, () => ids)
  await supervisor.rehydrated
  const ms = performance.now() - startedAt
  await new Promise((resolve) => setTimeout(resolve, 20)) // a timer records the last delay
  if (supervisor.health().rehydrating) throw new Error('the supervisor is still rehydrating')
  writeResult({ ms, count: ids.length, longestMs: delay.max / 1e6 })
  await close()
}
