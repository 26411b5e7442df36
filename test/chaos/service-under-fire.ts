import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** The points at which it can be ended; {@link file://./points.mjs} counts them. */
export const pointKinds = [
  'commit.before',
  'commit.after',
  'statement.before',
  'statement.after',
  'call.before',
  'call.after',
  'reply.before',
  'reply.after',
] as const

/** The `nth` time, from now on, that a point of this kind is passed. */
export interface Point {
  readonly kind: (typeof pointKinds)[number]
  readonly nth: number
}

/** How the service ended: at which point, with which exit code, by which signal. */
export interface Death {
  /** Where it killed itself; `null` if it ended in another way. */
  readonly point: string | null
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** What it wrote to stderr. */
  readonly said: string
}

/** The built service in a process of its own, which can be told where to die. */
export interface ServiceUnderFire {
  readonly url: string
  /** Settles when the process has ended. */
  readonly died: Promise<Death>
  /** It ends itself at this point. */
  arm(point: Point): void
  end(signal: NodeJS.Signals): Promise<Death>
}

/** Starts the service with `env` alone. Answers how it ended if it did before it listened. */
export async function startUnderFire(
  env: Readonly<Record<string, string>>,
  armed?: Point,
): Promise<ServiceUnderFire | Death> {
  const { PATH = '', HOME = '' } = process.env
  const points = join(root, 'test/chaos/points.mjs')
  const child = spawn(process.execPath, ['--import', points, join(root, 'dist/main.js')], {
    env: {
      PATH,
      HOME,
      VM_API_BIND: '127.0.0.1:0',
      ...env,
      ...(armed && { CHAOS_ARMED: JSON.stringify(armed) }),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.on('data', (data) => (said = (said + String(data)).slice(-4000)))
  const died = once(child, 'close').then(([code, signal]): Death => {
    const point = /^killed at (.+)$/m.exec(said)?.[1] ?? null
    return { point, code, signal, said }
  })
  const listens = new Promise<string>((resolve) => {
    let text = ''
    child.stdout?.on('data', (data) => {
      if (text === 'told') return
      text += String(data)
      const url = /"url":"([^"]+)"/.exec(text)?.[1]
      if (url === undefined) return
      text = 'told'
      resolve(url)
    })
  })
  const first = await Promise.race([listens, died])
  if (typeof first !== 'string') return first
  return {
    url: first,
    died,
    arm: (point) => void child.send(point, () => {}), // it may be dead already
    async end(signal) {
      child.kill(signal)
      return died
    },
  }
}
