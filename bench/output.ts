import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { Inside } from './inside.ts'
import { inside, noEngine, user } from './inside.ts'
import type { Measure } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'

const name = 'output of a command, bytes a second'
const leastRatio = 0.7
const mebi = 1024 * 1024
const vm = join(import.meta.dirname, '../dist/cli/main.js')

/** How fast what a command writes gets to a client, be that a program of one's own or `vm exec`. */
export const output: Measure = async ({ folder, quick }) => {
  const world = await inside(folder, 'output')
  if (!world) return { kind: 'skipped', name, why: noEngine }
  const bytes = (quick ? 16 : 256) * mebi
  const speed = (took: readonly number[]) => bytes / mebi / (median(took) / 1000)
  const all = async (command: string) => {
    const { a: ours, b: others } = await pairs(
      quick ? 1 : 5,
      () => throughApi(world, command),
      async () => ({ docker: await byDocker(world, command, bytes), vm: await byVm(world, command, bytes) }),
    )
    return { api: speed(ours), docker: speed(others.map((it) => it.docker)), vm: speed(others.map((it) => it.vm)) }
  }
  try {
    const text = await all(`yes "a line of some text, as compilers and tests write it" | head -c ${bytes}`)
    const noise = await all(`head -c ${bytes} /dev/urandom`)
    const ratio = Math.min(text.api / text.docker, noise.api / noise.docker)
    return {
      kind: 'measured',
      name,
      against: '`docker exec`',
      ratio,
      target: `≥ ${leastRatio}`,
      ok: ratio >= leastRatio,
      figures: {
        'text, ours, MiB/s': rounded(text.api, 0),
        'text, vm exec, its start and end and all, MiB/s': rounded(text.vm, 0),
        'text, docker exec, MiB/s': rounded(text.docker, 0),
        'noise, which goes as base64, ours, MiB/s': rounded(noise.api, 0),
        'noise, vm exec, MiB/s': rounded(noise.vm, 0),
        'noise, docker exec, MiB/s': rounded(noise.docker, 0),
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

const byDocker = ({ containerId, dockerHost }: Inside, command: string, bytes: number) =>
  byProgram('docker', ['-H', dockerHost, 'exec', containerId, 'sh', '-c', command], bytes)

const byVm = ({ service }: Inside, command: string, bytes: number) => {
  const whereAndWho = ['--url', service.url, '--user', user['x-user']]
  return byProgram(process.execPath, [vm, ...whereAndWho, 'exec', '-n', 'bench', '--', 'sh', '-c', command], bytes)
}

async function byProgram(program: string, words: readonly string[], bytes: number): Promise<number> {
  const began = performance.now()
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let heard = 0
  child.stdout.on('data', (chunk: Buffer) => (heard += chunk.length))
  await once(child, 'close')
  const took = performance.now() - began
  if (heard !== bytes) throw new Error(`${program} gave ${heard} bytes`)
  return took
}
