// How long it takes until every stored workspace is back.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { z } from 'zod'
import { answer, inputOf } from './input.ts'
import { bareActors, storedIds } from './stored.ts'
import { supervised } from './supervised.ts'

const { path, side } = inputOf(z.object({ path: z.string(), side: z.enum(['ours', 'bare']) }))

const ids = storedIds(path)
const delay = monitorEventLoopDelay({ resolution: 1 })
await new Promise((resolve) => setTimeout(resolve, 20)) // what loading left behind is over
delay.enable()
const began = performance.now()
if (side === 'bare') {
  const actors = bareActors(path)
  answer({ ms: performance.now() - began, count: actors.length, longestMs: 0 })
} else {
  const { close, supervisor } = supervised(path, () => ids)
  await supervisor.rehydrated
  const ms = performance.now() - began
  await new Promise((resolve) => setTimeout(resolve, 20)) // the last delay is noted by a timer
  if (supervisor.health().rehydrating) throw new Error('it says that it is not ready')
  answer({ ms, count: ids.length, longestMs: delay.max / 1e6 })
  await close()
}
