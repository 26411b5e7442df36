// The longest event loop delay of a busy loop in turns of 3 ms: the delay that other load on the machine causes in any process.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { z } from 'zod'
import { writeResult, readInput } from './child-io.ts'

const { seconds } = readInput(z.object({ seconds: z.number() }))
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const endAt = performance.now() + seconds * 1000
while (performance.now() < endAt) {
  const turnEnd = performance.now() + 3
  while (performance.now() < turnEnd);
  await new Promise((resolve) => setImmediate(resolve))
}
writeResult({ longestMs: delay.max / 1e6 })
