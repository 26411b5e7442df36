import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { childEntry } from '../harness/build.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, percentile, roundTo } from '../statistics.ts'
import { seedDatabase } from '../harness/seed-database.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { startService } from '../harness/server-process.ts'

const maxMs = 50
const readerCount = 100
const idleReaderCount = 1000
const maxBytesPerReader = 20_000

/** The delay between a commit and its event at the readers of the feed, and the memory of an idle reader. */
export const feedBenchmark: Benchmark = async ({ folder, quick }) => {
  const path = join(folder, 'feed.db')
  const [id] = seedDatabase(path, 100)
  const service = await startService(path)
  try {
    const delaysMs = await followFeed(service, readerCount, async () => {
      for (let n = 0; n < (quick ? 10 : 200); n += 1) {
        await patchMetadata(service, String(id), n)
        await delay(20) // one transition at a time, so that no queue is measured
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
      name: 'delay from commit to 100 readers of the feed, median, ms',
      baseline: 'absolute, and memory per idle reader',
      ratio: medianMs,
      target: `≤ ${maxMs}, ≤ ${maxBytesPerReader / 1000} kB`,
      ok: medianMs <= maxMs && bytesPerReader <= maxBytesPerReader,
      figures: {
        'events received': delaysMs.length,
        '99th percentile, ms': roundTo(percentile(delaysMs, 99)),
        'idle readers': idleReaderCount,
        'memory per idle reader, kB': roundTo(bytesPerReader / 1000, 1),
      },
    }
  } finally {
    await service.close()
  }
}

/** Runs `task` while `count` readers follow the feed. Returns the delay of each event in milliseconds. */
async function followFeed(
  { url }: ServerProcess,
  count: number,
  task: () => Promise<void>,
): Promise<readonly number[]> {
  const child = spawn(process.execPath, [childEntry('feed-readers'), JSON.stringify({ url, readerCount: count })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)
  await once(lines, 'line') // every reader is connected
  await task()
  await delay(200) // for the last event
  const resultLine = once(lines, 'line')
  child.stdin.end()
  const [text] = await resultLine
  return z.object({ delaysMs: z.array(z.number()) }).parse(JSON.parse(String(text))).delaysMs
}

async function patchMetadata({ url }: ServerProcess, id: string, n: number): Promise<void> {
  const response = await fetch(`${url}/api/v1/workspaces/${id}`, {
    method: 'PATCH',
    headers: { 'x-vm-user': 'owner-0', 'content-type': 'application/json' },
    body: JSON.stringify({ metadata: { n } }),
  })
  if (!response.ok) throw new Error(`PATCH: ${response.status} ${await response.text()}`)
}

/** The resident memory of a process in bytes. */
function residentBytesOf(pid: number): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
  return Number(pages) * 4096
}
