import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { RunningWorkspace } from '../harness/running-workspace.ts'
import { startRunningWorkspace, noEngineReason, userHeaders } from '../harness/running-workspace.ts'
import type { Benchmark } from '../benchmark.ts'
import { roundTo } from '../statistics.ts'

const name = 'extra memory while 1 GB is uploaded and downloaded'
const maxMebi = 64
const mebi = 1024 * 1024

/** The peak of the service's additional memory while a large file is uploaded and downloaded. */
export const fileBenchmark: Benchmark = async ({ folder, quick }) => {
  const workspace = await startRunningWorkspace(folder, 'file')
  if (!workspace) return { kind: 'skipped', name, reason: noEngineReason }
  const bytes = quick ? 32 * mebi : 1_000_000_000
  try {
    await upload(workspace, mebi)
    await download(workspace, mebi) // warm-up
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
        'upload, extra MiB': roundTo(upPeak / mebi, 0),
        'download, extra MiB': roundTo(downPeak / mebi, 0),
        'upload, MB/s': roundTo(bytes / 1000 / upMs, 0),
        'download, MB/s': roundTo(bytes / 1000 / downMs, 0),
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

async function upload({ urlOf }: RunningWorkspace, bytes: number): Promise<void> {
  const uploadRequest = request(urlOf('/files?path=big'), {
    method: 'PUT',
    headers: { ...userHeaders, 'content-type': 'application/octet-stream', 'content-length': bytes },
  })
  const responseEvent = once(uploadRequest, 'response') as Promise<[IncomingMessage]>
  await pipeline(Readable.from(chunks(bytes)), uploadRequest)
  const [response] = await responseEvent
  response.resume()
  if (response.statusCode !== 200) throw new Error(`the upload failed with status ${response.statusCode}`)
  await once(response, 'end')
}

async function download({ urlOf }: RunningWorkspace, bytes: number): Promise<void> {
  const downloadRequest = request(urlOf('/files?path=big'), { headers: userHeaders })
  downloadRequest.end()
  const [response] = (await once(downloadRequest, 'response')) as [IncomingMessage]
  let receivedBytes = 0
  response.on('data', (chunk: Buffer) => (receivedBytes += chunk.length))
  await once(response, 'end')
  if (receivedBytes !== bytes) throw new Error(`the download returned ${receivedBytes} of ${bytes} bytes`)
}

function* chunks(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024, 'non-zero test data ')
  for (let remaining = bytes; remaining > 0; remaining -= chunk.length)
    yield remaining < chunk.length ? chunk.subarray(0, remaining) : chunk
}

/** Resets the kernel's peak memory of a process. `peak` returns how far the peak rises above the current use, in bytes. */
function peakMemoryFrom(pid: number): { peak(): number } {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  const memoryField = (field: string) => {
    const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kib) * 1024
  }
  const bytesBefore = memoryField('VmRSS')
  return { peak: () => Math.max(0, memoryField('VmHWM') - bytesBefore) }
}
