import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Inside } from './inside.ts'
import { inside, noEngine, user } from './inside.ts'
import type { Measure } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'

const name = 'output of a command, bytes a second'
const leastRatio = 0.7
const mebi = 1024 * 1024

/** How fast what a command writes gets to a client. */
export const output: Measure = async ({ folder, quick }) => {
  const world = await inside(folder, 'output')
  if (!world) return { kind: 'skipped', name, why: noEngine }
  const bytes = (quick ? 16 : 256) * mebi
  const text = `yes "a line of some text, as compilers and tests write it" | head -c ${bytes}`
  const noise = `head -c ${bytes} /dev/urandom`
  try {
    const both = async (command: string) => {
      const { a, b } = await pairs(
        quick ? 1 : 5,
        () => throughApi(world, command),
        () => byDocker(world, command, bytes),
      )
      return [median(a), median(b)].map((ms) => bytes / mebi / (ms / 1000)) as [number, number]
    }
    const [ours, docker] = await both(text)
    const [oursNoise, dockerNoise] = await both(noise)
    const ratio = ours / docker
    return {
      kind: 'measured',
      name,
      against: '`docker exec`',
      ratio,
      target: `≥ ${leastRatio}`,
      ok: ratio >= leastRatio,
      figures: {
        'text, ours, MiB/s': rounded(ours, 0),
        'text, docker exec, MiB/s': rounded(docker, 0),
        'noise, which goes as base64, ours, MiB/s': rounded(oursNoise, 0),
        'noise, docker exec, MiB/s': rounded(dockerNoise, 0),
      },
    }
  } finally {
    await world.close()
  }
}

/** Reads the stream to its end, as bytes. */
async function throughApi({ at }: Inside, command: string): Promise<number> {
  const began = performance.now()
  const asked = request(at('/exec'), { method: 'POST', headers: { ...user, 'content-type': 'application/json' } })
  asked.end(JSON.stringify({ command }))
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  let last = ''
  answer.on('data', (chunk: Buffer) => (last = chunk.subarray(-200).toString('latin1')))
  await once(answer, 'end')
  const took = performance.now() - began
  if (!last.includes('"exit_code":0')) throw new Error(`${command} ended with ${last}`)
  return took
}

async function byDocker({ containerId, dockerHost }: Inside, command: string, bytes: number): Promise<number> {
  const began = performance.now()
  const child = spawn('docker', ['-H', dockerHost, 'exec', containerId, 'sh', '-c', command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let heard = 0
  child.stdout.on('data', (chunk: Buffer) => (heard += chunk.length))
  await once(child, 'close')
  const took = performance.now() - began
  if (heard !== bytes) throw new Error(`docker exec gave ${heard} bytes`)
  return took
}
