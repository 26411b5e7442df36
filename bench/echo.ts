import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Inside } from './inside.ts'
import { inside, noEngine, user } from './inside.ts'
import type { Measure } from './measure.ts'
import { median, pairs, percentile, rounded } from './measure.ts'

const name = 'echo of a keystroke in a shell'
const mostMs = 3

/** A terminal that somebody types into. */
interface Typed {
  /** Types a character that is echoed; answers how long that took, in ms. */
  key(): Promise<number>
  close(): void
}

/** How much longer a keystroke takes through the service than through the engine alone. */
export const echo: Measure = async ({ folder, quick }) => {
  const world = await inside(folder, 'echo')
  if (!world) return { kind: 'skipped', name, why: noEngine }
  const [ours, hand] = [await throughApi(world), await byHand(world)]
  try {
    for (let n = 0; n < 20; n += 1) for (const typed of [ours, hand]) await typed.key()
    const { a, b } = await pairs(quick ? 20 : 500, ours.key, hand.key)
    const over = median(a) - median(b)
    return {
      kind: 'measured',
      name,
      against: `${mostMs} ms over the engine's own`,
      ratio: over / mostMs,
      target: '≤ 1',
      ok: over <= mostMs,
      figures: {
        keys: a.length,
        'ours, ms': rounded(median(a)),
        'ours, 99th percentile, ms': rounded(percentile(a, 99)),
        "the engine's own, ms": rounded(median(b)),
      },
    }
  } finally {
    ours.close()
    hand.close()
    await world.close()
  }
}

/** `heard` is called with what comes; a key waits for the next piece. */
function typed(send: (text: string) => void, close: () => void) {
  let heard: (() => void) | undefined
  return {
    hear: () => heard?.(),
    terminal: {
      async key() {
        const began = performance.now()
        const echoed = new Promise<void>((resolve) => (heard = resolve))
        send('x')
        await echoed
        return performance.now() - began
      },
      close,
    } satisfies Typed,
  }
}

async function throughApi({ at }: Inside): Promise<Typed> {
  const socket = new WebSocket(at('/shell').replace(/^http/, 'ws'), { headers: user })
  const { hear, terminal } = typed(
    (text) => socket.send(Buffer.from(text)),
    () => socket.terminate(),
  )
  await once(socket, 'open')
  const prompt = new Promise<void>((resolve) => socket.on('message', (_data, binary) => binary && resolve()))
  await prompt
  socket.on('message', (_data, binary) => binary && hear())
  return terminal
}

async function byHand({ docker, containerId }: Inside): Promise<Typed> {
  const made = await docker
    .getContainer(containerId)
    .exec({ Cmd: ['sh', '-l'], AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: true })
  const stream: Duplex = await made.start({ hijack: true, stdin: true, Tty: true })
  const { hear, terminal } = typed(
    (text) => void stream.write(text),
    () => void stream.destroy(),
  )
  await once(stream, 'data')
  stream.on('data', hear)
  return terminal
}
