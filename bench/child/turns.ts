// The longest event loop delay of a process that only counts, in turns of 3 ms: what the machine's other work does to any process.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { z } from 'zod'
import { answer, inputOf } from './input.ts'

const { seconds } = inputOf(z.object({ seconds: z.number() }))
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const end = performance.now() + seconds * 1000
while (performance.now() < end) {
  const until = performance.now() + 3
  while (performance.now() < until);
  await new Promise((resolve) => setImmediate(resolve))
}
answer({ longestMs: delay.max / 1e6 })
