// Follows the feed over `readerCount` connections, and reports the delay of each transition since its commit. Exits at the end of stdin.
import { Agent, get } from 'node:http'
import { z } from 'zod'
import { writeResult, readInput } from './child-io.ts'

const { url, readerCount } = readInput(z.object({ url: z.string(), readerCount: z.number() }))
const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
const delaysMs: number[] = []
let openCount = 0

for (let n = 0; n < readerCount; n += 1)
  get(`${url}/api/v1/events`, { agent, headers: { 'x-vm-user': 'owner-0' } }, (response) => {
    openCount += 1
    if (openCount === readerCount) writeResult({ url, open: openCount })
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const now = performance.timeOrigin + performance.now()
      // The event's timestamp is that of its command, truncated to milliseconds.
      for (const [, at = ''] of chunk.matchAll(/^data: \{"seq":\d+,"at":"([^"]+)"/gm))
        delaysMs.push(now - Date.parse(at))
    })
  })

process.stdin.resume().on('end', () => {
  writeResult({ delaysMs })
  process.exit()
})
