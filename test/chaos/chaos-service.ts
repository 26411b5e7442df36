import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** Points at which the service can be killed; {@link file://./crash-points.mjs} counts them. */
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

/** The `nth` pass of a point of this kind after arming. */
export interface CrashPoint {
  readonly kind: (typeof crashPointKinds)[number]
  readonly nth: number
}

/** How the service ended: at which point, with which exit code, by which signal. */
export interface ServiceExit {
  /** The point at which the service killed itself; `null` if it ended in another way. */
  readonly point: string | null
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The end of its stderr. */
  readonly stderr: string
}

/** The built service in its own process, which can be armed to kill itself at a point. */
export interface ChaosService {
  readonly url: string
  /** Resolves when the process has ended. */
  readonly exited: Promise<ServiceExit>
  /** Makes the service kill itself at this point. */
  arm(point: CrashPoint): void
  end(signal: NodeJS.Signals): Promise<ServiceExit>
}

/** Starts the service with only `env`. Returns its exit if it ended before it listened. */
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
    let isListening = false
    child.stdout?.on('data', (data) => {
      if (isListening) return
      text += String(data)
      const url = /"url":"([^"]+)"/.exec(text)?.[1]
      if (url === undefined) return
      isListening = true
      resolve(url)
    })
  })
  const outcome = await Promise.race([listening, exited])
  if (typeof outcome !== 'string') return outcome
  return {
    url: outcome,
    exited,
    arm: (point) => void child.send(point, () => {}), // the process may have ended already
    async end(signal) {
      child.kill(signal)
      return exited
    },
  }
}
