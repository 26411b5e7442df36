// Follows the feed over so many connections, and says how long after its commit each transition arrived. Ends with its stdin.
import { Agent, get } from 'node:http'
import { z } from 'zod'
import { answer, inputOf } from './input.ts'

const { url, readers } = inputOf(z.object({ url: z.string(), readers: z.number() }))
const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
const late: number[] = []
let open = 0

for (let n = 0; n < readers; n += 1)
  get(`${url}/api/v1/events`, { agent, headers: { 'x-vm-user': 'owner-0' } }, (response) => {
    open += 1
    if (open === readers) answer({ url, open })
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const now = performance.timeOrigin + performance.now()
      // The time of the commit is that of the command: milliseconds, cut off.
      for (const [, at = ''] of chunk.matchAll(/^data: \{"seq":\d+,"at":"([^"]+)"/gm)) late.push(now - Date.parse(at))
    })
  })

process.stdin.resume().on('end', () => {
  answer({ late })
  process.exit()
})
