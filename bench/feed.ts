import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { childEntry } from './built.ts'
import type { Measure } from './measure.ts'
import { median, percentile, rounded } from './measure.ts'
import { seed } from './seed.ts'
import type { Server } from './server.ts'
import { startOn } from './service.ts'

const mostMs = 50
const readers = 100
const idleReaders = 1000
const mostBytes = 20_000

/** How long after its commit a transition has come to readers of the feed, and what one costs that waits. */
export const feed: Measure = async ({ folder, quick }) => {
  const path = join(folder, 'feed.db')
  const [id] = seed(path, 100)
  const service = await startOn(path)
  try {
    const late = await following(service, readers, async () => {
      for (let n = 0; n < (quick ? 10 : 200); n += 1) {
        await amend(service, String(id), n)
        await delay(20) // one transition at a time: what is counted is a transition's way, not a queue
      }
    })
    const before = memoryOf(service.pid)
    let after = Number.NaN
    await following(service, idleReaders, async () => {
      await delay(2000)
      after = memoryOf(service.pid)
    })
    const each = (after - before) / idleReaders
    const ms = median(late)
    return {
      kind: 'measured',
      name: 'a transition’s way from its commit to 100 readers of the feed, median, ms',
      against: '1 ms; and an idle reader’s memory',
      ratio: ms,
      target: `≤ ${mostMs}, ≤ ${mostBytes / 1000} kB`,
      ok: ms <= mostMs && each <= mostBytes,
      figures: {
        'events received': late.length,
        '99th percentile, ms': rounded(percentile(late, 99)),
        'idle readers': idleReaders,
        'memory of each, kB': rounded(each / 1000, 1),
      },
    }
  } finally {
    await service.close()
  }
}

/** Has so many readers follow the feed while `run` runs. Answers how late each event came, in milliseconds. */
async function following({ url }: Server, count: number, run: () => Promise<void>): Promise<readonly number[]> {
  const child = spawn(process.execPath, [childEntry('readers'), JSON.stringify({ url, readers: count })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)
  await once(lines, 'line') // all are connected
  await run()
  await delay(200) // the last event is on its way
  const told = once(lines, 'line')
  child.stdin.end()
  const [text] = await told
  return z.object({ late: z.array(z.number()) }).parse(JSON.parse(String(text))).late
}

async function amend({ url }: Server, id: string, n: number): Promise<void> {
  const response = await fetch(`${url}/api/v1/workspaces/${id}`, {
    method: 'PATCH',
    headers: { 'x-vm-user': 'owner-0', 'content-type': 'application/json' },
    body: JSON.stringify({ metadata: { n } }),
  })
  if (!response.ok) throw new Error(`PATCH: ${response.status} ${await response.text()}`)
}

/** What the process holds in memory, as the kernel counts it, in bytes. */
function memoryOf(pid: number): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
  return Number(pages) * 4096
}
