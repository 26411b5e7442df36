import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { childEntry } from '../harness/build.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, percentile, roundTo } from '../benchmark.ts'
import { seedDatabase } from '../harness/seed-database.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { startService } from '../harness/service-process.ts'

const maxMs = 50
const readerCount = 100
const idleReaderCount = 1000
const maxBytesPerReader = 20_000

/** How long after its commit a transition has come to readers of the feed, and what one costs that waits. */
export const feedBenchmark: Benchmark = async ({ folder, quick }) => {
  const path = join(folder, 'feed.db')
  const [id] = seedDatabase(path, 100)
  const service = await startService(path)
  try {
    const delaysMs = await followFeed(service, readerCount, async () => {
      for (let n = 0; n < (quick ? 10 : 200); n += 1) {
        await patchMetadata(service, String(id), n)
        await delay(20) // one transition at a time: what is counted is a transition's way, not a queue
      }
    })
    const bytesBefore = residentBytesOf(service.pid)
    let bytesAfter = Number.NaN
    await followFeed(service, idleReaderCount, async () => {
      await delay(2000)
      bytesAfter = residentBytesOf(service.pid)
    })
    const bytesPerReader = (bytesAfter - bytesBefore) / idleReaderCount
    const medianMs = median(delaysMs)
    return {
      kind: 'measured',
      name: 'a transition’s way from its commit to 100 readers of the feed, median, ms',
      baseline: '1 ms; and an idle reader’s memory',
      ratio: medianMs,
      target: `≤ ${maxMs}, ≤ ${maxBytesPerReader / 1000} kB`,
      ok: medianMs <= maxMs && bytesPerReader <= maxBytesPerReader,
      figures: {
        'events received': delaysMs.length,
        '99th percentile, ms': roundTo(percentile(delaysMs, 99)),
        'idle readers': idleReaderCount,
        'memory of each, kB': roundTo(bytesPerReader / 1000, 1),
      },
    }
  } finally {
    await service.close()
  }
}

/** Has so many readers follow the feed while `run` runs. Answers how late each event came, in milliseconds. */
async function followFeed(
  { url }: ServerProcess,
  count: number,
  task: () => Promise<void>,
): Promise<readonly number[]> {
  const child = spawn(process.execPath, [childEntry('feed-readers'), JSON.stringify({ url, readers: count })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)
  await once(lines, 'line') // all are connected
  await task()
  await delay(200) // the last event is on its way
  const resultLine = once(lines, 'line')
  child.stdin.end()
  const [text] = await resultLine
  return z.object({ late: z.array(z.number()) }).parse(JSON.parse(String(text))).late
}

async function patchMetadata({ url }: ServerProcess, id: string, n: number): Promise<void> {
  const response = await fetch(`${url}/api/v1/workspaces/${id}`, {
    method: 'PATCH',
    headers: { 'x-vm-user': 'owner-0', 'content-type': 'application/json' },
    body: JSON.stringify({ metadata: { n } }),
  })
  if (!response.ok) throw new Error(`PATCH: ${response.status} ${await response.text()}`)
}

/** What the process holds in memory, as the kernel counts it, in bytes. */
function residentBytesOf(pid: number): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
  return Number(pages) * 4096
}
