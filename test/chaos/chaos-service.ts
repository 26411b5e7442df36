import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** The points at which it can be ended; {@link file://./crash-points.mjs} counts them. */
export const crashPointKinds = [
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
export interface CrashPoint {
  readonly kind: (typeof crashPointKinds)[number]
  readonly nth: number
}

/** How the service ended: at which point, with which exit code, by which signal. */
export interface ServiceExit {
  /** Where it killed itself; `null` if it ended in another way. */
  readonly point: string | null
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** What it wrote to stderr. */
  readonly stderr: string
}

/** The built service in a process of its own, which can be told where to die. */
export interface ChaosService {
  readonly url: string
  /** Settles when the process has ended. */
  readonly exited: Promise<ServiceExit>
  /** It ends itself at this point. */
  arm(point: CrashPoint): void
  end(signal: NodeJS.Signals): Promise<ServiceExit>
}

/** Starts the service with `env` alone. Answers how it ended if it did before it listened. */
export async function startChaosService(
  env: Readonly<Record<string, string>>,
  armedPoint?: CrashPoint,
): Promise<ChaosService | ServiceExit> {
  const { PATH = '', HOME = '' } = process.env
  const points = join(root, 'test/chaos/crash-points.mjs')
  const child = spawn(process.execPath, ['--import', points, join(root, 'dist/main.js')], {
    env: {
      PATH,
      HOME,
      VM_API_BIND: '127.0.0.1:0',
      ...env,
      ...(armedPoint && { CHAOS_ARMED: JSON.stringify(armedPoint) }),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let stderr = ''
  child.stderr?.on('data', (data) => (stderr = (stderr + String(data)).slice(-4000)))
  const exited = once(child, 'close').then(([code, signal]): ServiceExit => {
    const point = /^killed at (.+)$/m.exec(stderr)?.[1] ?? null
    return { point, code, signal, stderr }
  })
  const listening = new Promise<string>((resolve) => {
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
  const outcome = await Promise.race([listening, exited])
  if (typeof outcome !== 'string') return outcome
  return {
    url: outcome,
    exited,
    arm: (point) => void child.send(point, () => {}), // it may be dead already
    async end(signal) {
      child.kill(signal)
      return exited
    },
  }
}
