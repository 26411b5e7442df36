import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Inside } from './inside.ts'
import { inside, noEngine, user } from './inside.ts'
import type { Measure } from './measure.ts'
import { rounded } from './measure.ts'

const name = 'memory that a file of 1 GB takes on its way into a workspace and out of it'
const mostMebi = 64
const mebi = 1024 * 1024

/** The most memory that the service holds beyond what it had before, while a big file goes through it. */
export const file: Measure = async ({ folder, quick }) => {
  const world = await inside(folder, 'file')
  if (!world) return { kind: 'skipped', name, why: noEngine }
  const bytes = quick ? 32 * mebi : 1_000_000_000
  try {
    await up(world, mebi)
    await down(world, mebi) // what is loaded at the first time is there by then
    const before = peakFrom(world.service.pid)
    const upMs = await timed(() => up(world, bytes))
    const upPeak = before.peak()
    const between = peakFrom(world.service.pid)
    const downMs = await timed(() => down(world, bytes))
    const downPeak = between.peak()
    const most = Math.max(upPeak, downPeak) / mebi
    return {
      kind: 'measured',
      name,
      against: `${mostMebi} MiB`,
      ratio: most / mostMebi,
      target: '≤ 1',
      ok: most <= mostMebi,
      figures: {
        'in, extra MiB': rounded(upPeak / mebi, 0),
        'out, extra MiB': rounded(downPeak / mebi, 0),
        'in, MB/s': rounded(bytes / 1000 / upMs, 0),
        'out, MB/s': rounded(bytes / 1000 / downMs, 0),
      },
    }
  } finally {
    await world.close()
  }
}

async function timed(run: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await run()
  return performance.now() - began
}

async function up({ at }: Inside, bytes: number): Promise<void> {
  const asked = request(at('/files?path=big'), {
    method: 'PUT',
    headers: { ...user, 'content-type': 'application/octet-stream', 'content-length': bytes },
  })
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  await pipeline(Readable.from(pieces(bytes)), asked)
  const [answer] = await answered
  answer.resume()
  if (answer.statusCode !== 200) throw new Error(`the upload was answered with ${answer.statusCode}`)
  await once(answer, 'end')
}

async function down({ at }: Inside, bytes: number): Promise<void> {
  const asked = request(at('/files?path=big'), { headers: user })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  let heard = 0
  answer.on('data', (chunk: Buffer) => (heard += chunk.length))
  await once(answer, 'end')
  if (heard !== bytes) throw new Error(`${heard} of ${bytes} bytes came back`)
}

function* pieces(bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(64 * 1024, 'some bytes that are no zeros ')
  for (let left = bytes; left > 0; left -= piece.length) yield left < piece.length ? piece.subarray(0, left) : piece
}

/** From now on the kernel notes the most that the process holds; `peak` is how much that is beyond what it holds now. */
function peakFrom(pid: number): { peak(): number } {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  const held = (field: string) => {
    const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kib) * 1024
  }
  const now = held('VmRSS')
  return { peak: () => Math.max(0, held('VmHWM') - now) }
}
