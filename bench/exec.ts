import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Inside } from './inside.ts'
import { inside, noEngine, user } from './inside.ts'
import type { Measure } from './measure.ts'
import { median, pairs, percentile, rounded } from './measure.ts'

const name = 'exec of `true`, from the request until its exit code is there'
const mostRatio = 1.2

/** What a command costs over what the engine itself takes for it. */
export const exec: Measure = async ({ folder, quick }) => {
  const world = await inside(folder, 'exec')
  if (!world) return { kind: 'skipped', name, why: noEngine }
  try {
    const [ours, hand] = [() => throughApi(world), () => byHand(world)]
    for (let n = 0; n < 5; n += 1) await Promise.all([ours(), hand()])
    const { a, b } = await pairs(quick ? 10 : 100, ours, hand)
    const ratio = median(a) / median(b)
    return {
      kind: 'measured',
      name,
      against: 'the same through dockerode by hand',
      ratio,
      target: `≤ ${mostRatio}`,
      ok: ratio <= mostRatio,
      figures: {
        pairs: a.length,
        'ours, ms': rounded(median(a), 1),
        'ours, 90th percentile, ms': rounded(percentile(a, 90), 1),
        'by hand, ms': rounded(median(b), 1),
      },
    }
  } finally {
    await world.close()
  }
}

async function throughApi({ at }: Inside): Promise<number> {
  const began = performance.now()
  const answer = await fetch(at('/exec'), {
    method: 'POST',
    headers: { ...user, 'content-type': 'application/json' },
    body: JSON.stringify({ command: ['true'] }),
  })
  const text = await answer.text()
  const took = performance.now() - began
  if (!text.includes('"exit_code":0')) throw new Error(`true ended with ${text}`)
  return took
}

async function byHand({ docker, containerId }: Inside): Promise<number> {
  const began = performance.now()
  const made = await docker.getContainer(containerId).exec({ Cmd: ['true'], AttachStdout: true, AttachStderr: true })
  const stream = (await made.start({})) as Readable
  stream.resume()
  await once(stream, 'close')
  const { ExitCode } = await made.inspect()
  const took = performance.now() - began
  if (ExitCode !== 0) throw new Error(`true ended with ${ExitCode}`)
  return took
}
