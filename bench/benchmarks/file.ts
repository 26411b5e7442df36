import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { RunningWorkspace } from '../harness/running-workspace.ts'
import { startRunningWorkspace, noEngineReason, userHeaders } from '../harness/running-workspace.ts'
import type { Benchmark } from '../benchmark.ts'
import { roundTo } from '../benchmark.ts'

const name = 'memory that a file of 1 GB takes on its way into a workspace and out of it'
const maxMebi = 64
const mebi = 1024 * 1024

/** The most memory that the service holds beyond what it had before, while a big file goes through it. */
export const fileBenchmark: Benchmark = async ({ folder, quick }) => {
  const workspace = await startRunningWorkspace(folder, 'file')
  if (!workspace) return { kind: 'skipped', name, reason: noEngineReason }
  const bytes = quick ? 32 * mebi : 1_000_000_000
  try {
    await upload(workspace, mebi)
    await download(workspace, mebi) // what is loaded at the first time is there by then
    const uploadMemory = peakMemoryFrom(workspace.service.pid)
    const upMs = await elapsedMs(() => upload(workspace, bytes))
    const upPeak = uploadMemory.peak()
    const downloadMemory = peakMemoryFrom(workspace.service.pid)
    const downMs = await elapsedMs(() => download(workspace, bytes))
    const downPeak = downloadMemory.peak()
    const peakMebi = Math.max(upPeak, downPeak) / mebi
    return {
      kind: 'measured',
      name,
      baseline: `${maxMebi} MiB`,
      ratio: peakMebi / maxMebi,
      target: '≤ 1',
      ok: peakMebi <= maxMebi,
      figures: {
        'in, extra MiB': roundTo(upPeak / mebi, 0),
        'out, extra MiB': roundTo(downPeak / mebi, 0),
        'in, MB/s': roundTo(bytes / 1000 / upMs, 0),
        'out, MB/s': roundTo(bytes / 1000 / downMs, 0),
      },
    }
  } finally {
    await workspace.close()
  }
}

async function elapsedMs(task: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await task()
  return performance.now() - startedAt
}

async function upload({ urlOf: at }: RunningWorkspace, bytes: number): Promise<void> {
  const uploadRequest = request(at('/files?path=big'), {
    method: 'PUT',
    headers: { ...userHeaders, 'content-type': 'application/octet-stream', 'content-length': bytes },
  })
  const responseEvent = once(uploadRequest, 'response') as Promise<[IncomingMessage]>
  await pipeline(Readable.from(chunks(bytes)), uploadRequest)
  const [response] = await responseEvent
  response.resume()
  if (response.statusCode !== 200) throw new Error(`the upload was answered with ${response.statusCode}`)
  await once(response, 'end')
}

async function download({ urlOf: at }: RunningWorkspace, bytes: number): Promise<void> {
  const downloadRequest = request(at('/files?path=big'), { headers: userHeaders })
  downloadRequest.end()
  const [response] = (await once(downloadRequest, 'response')) as [IncomingMessage]
  let receivedBytes = 0
  response.on('data', (chunk: Buffer) => (receivedBytes += chunk.length))
  await once(response, 'end')
  if (receivedBytes !== bytes) throw new Error(`${receivedBytes} of ${bytes} bytes came back`)
}

function* chunks(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024, 'some bytes that are no zeros ')
  for (let remaining = bytes; remaining > 0; remaining -= chunk.length)
    yield remaining < chunk.length ? chunk.subarray(0, remaining) : chunk
}

/** From now on the kernel notes the most that the process holds; `peak` is how much that is beyond what it holds now. */
function peakMemoryFrom(pid: number): { peak(): number } {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  const memoryField = (field: string) => {
    const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kib) * 1024
  }
  const bytesBefore = memoryField('VmRSS')
  return { peak: () => Math.max(0, memoryField('VmHWM') - bytesBefore) }
}
