import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DockerTarget } from '../../src/provider/docker/engine/docker-target.ts'
import { dockerClient } from './docker-client.ts'

/** An engine that belongs to one test, which may kill it. */
export interface EngineProcess {
  readonly target: DockerTarget
  /** Restarts it on the same data, after `stop` or `kill`. Settles when it answers. */
  start(): Promise<void>
  /** Stops it with SIGTERM, as a shutdown of the host does: its containers are stopped. */
  stop(): Promise<void>
  /** Kills it with SIGKILL: its containers keep running until it is back. */
  kill(): Promise<void>
  /** Makes it hang with its socket open (SIGSTOP). */
  pause(): void
  /** Resumes it (SIGCONT). */
  unpause(): void
  /** Stops it with everything in it, and removes its files. */
  close(): Promise<void>
}

/** True if this machine can run another engine: Linux, as root, with `dockerd`, `ip` and `nsenter`. */
export function canRunEngines(): boolean {
  const isInstalled = (program: string): boolean =>
    ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((dir) => existsSync(join(dir, program)))
  return process.platform === 'linux' && process.getuid?.() === 0 && ['dockerd', 'ip', 'nsenter'].every(isInstalled)
}

/**
 * Starts a `dockerd` with its own data, its own containerd and its own network namespace, because two engines would
 * compete for the bridge and the packet filter. `args` are passed on to it. Needs {@link canRunEngines}.
 */
export async function startEngine(args: readonly string[] = []): Promise<EngineProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'vm-api-engine-'))
  const namespace = `vm-api-${randomBytes(4).toString('hex')}`
  const path = join(dir, 'docker.sock')
  const target: DockerTarget = {
    endpoint: { kind: 'socket', path },
    description: `unix://${path}`,
    configFile: join(dir, 'config.json'),
  }
  execFileSync('ip', ['netns', 'add', namespace])
  execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
  let running: ChildProcess | undefined

  async function start(): Promise<void> {
    running = spawnEngine(dir, namespace, args)
    await waitUntilReady(running, target, join(dir, 'log'))
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = running
    running = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  async function removeEngine(): Promise<void> {
    await end('SIGTERM')
    removeEngineFiles(dir, namespace)
  }

  try {
    await start()
  } catch (error) {
    await removeEngine()
    throw error
  }
  return {
    target,
    start,
    stop: () => end('SIGTERM'),
    async kill() {
      const containerd = Number(readFileSync(join(dir, 'exec/containerd/containerd.pid'), 'utf8'))
      await end('SIGKILL')
      // Its containerd dies with it, but not at once. An engine started earlier would wait for the dying one in vain.
      while (existsSync(`/proc/${containerd}`)) await new Promise((resolve) => setTimeout(resolve, 20))
    },
    pause: () => void running?.kill('SIGSTOP'),
    unpause: () => void running?.kill('SIGCONT'),
    async close() {
      running?.kill('SIGCONT')
      // A killed engine leaves containers and containerd behind. Only a clean shutdown ends them.
      if (!running) await start()
      await removeEngine()
    },
  }
}

function spawnEngine(dir: string, namespace: string, args: readonly string[]): ChildProcess {
  const log = openSync(join(dir, 'log'), 'a')
  const options = Object.entries({ 'data-root': 'data', 'exec-root': 'exec', pidfile: 'pid' })
  const storageArgs = options.flatMap(([option, name]) => [`--${option}`, join(dir, name)])
  // Not `ip netns exec`, which remounts /sys and so hides the cgroups. nsenter becomes dockerd by exec, so its pid is the
  // engine's.
  const host = `unix://${join(dir, 'docker.sock')}`
  const command = [`--net=/run/netns/${namespace}`, 'dockerd', ...storageArgs, '-H', host, ...args]
  return spawn('nsenter', command, { stdio: ['ignore', log, log] })
}

async function waitUntilReady(engine: ChildProcess, target: DockerTarget, log: string): Promise<void> {
  for (let attempts = 0; attempts < 300; attempts += 1) {
    if (engine.exitCode !== null) throw new Error(`dockerd exited:\n${readFileSync(log, 'utf8').slice(-2000)}`)
    const answered = await dockerClient(target)
      .ping()
      .then(
        () => true,
        () => false,
      )
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 100)) // polled: an engine does not announce that it listens
  }
  throw new Error(`dockerd does not answer. Its log: ${log}`)
}

function removeEngineFiles(dir: string, namespace: string): void {
  killProcessesMentioning(dir)
  execFileSync('ip', ['netns', 'delete', namespace])
  // A killed engine leaves its data folder bind-mounted on itself.
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
  for (const mount of mounts.filter((path) => path.startsWith(`${dir}/`)).toReversed())
    execFileSync('umount', ['-l', mount])
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
}

/** Kills what a killed engine has left behind: the shims that mention its folder, and their children. */
function killProcessesMentioning(dir: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
    if (!readProcFile(`/proc/${pid}/cmdline`).includes(dir)) continue
    const children = readProcFile(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean)
    for (const member of [...children, pid]) {
      try {
        process.kill(Number(member), 'SIGKILL')
      } catch {
        // has exited meanwhile
      }
    }
  }
}

function readProcFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the process has exited meanwhile
  }
}
