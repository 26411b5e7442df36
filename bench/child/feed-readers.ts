// Follows the feed over so many connections, and says how long after its commit each transition arrived. Ends with its stdin.
import { Agent, get } from 'node:http'
import { z } from 'zod'
import { writeResult, readInput } from './child-io.ts'

const { url, readers: readerCount } = readInput(z.object({ url: z.string(), readers: z.number() }))
const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
const delaysMs: number[] = []
let openCount = 0

for (let n = 0; n < readerCount; n += 1)
  get(`${url}/api/v1/events`, { agent, headers: { 'x-vm-user': 'owner-0' } }, (response) => {
    openCount += 1
    if (openCount === readerCount) writeResult({ url, open: openCount })
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const now = performance.timeOrigin + performance.now()
      // The time of the commit is that of the command: milliseconds, cut off.
      for (const [, at = ''] of chunk.matchAll(/^data: \{"seq":\d+,"at":"([^"]+)"/gm))
        delaysMs.push(now - Date.parse(at))
    })
  })

process.stdin.resume().on('end', () => {
  writeResult({ late: delaysMs })
  process.exit()
})
