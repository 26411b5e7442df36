import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DockerTarget } from '../../src/provider/docker/engine/docker-target.ts'
import { dockerClient } from './docker-client.ts'

/** An engine of a test's own, which it may kill. */
export interface EngineProcess {
  readonly target: DockerTarget
  /** Starts it again on the same data, after `stop` or `kill`. Settles when it answers. */
  start(): Promise<void>
  /** Ends it as a shutdown of the host does (SIGTERM): its containers are stopped. */
  stop(): Promise<void>
  /** Ends it with SIGKILL: its containers go on until it is back. */
  kill(): Promise<void>
  /** Makes it hang with its socket open (SIGSTOP). */
  pause(): void
  /** Ends that (SIGCONT). */
  unpause(): void
  /** Ends it and everything in it, and removes its files. */
  close(): Promise<void>
}

/** True if this machine can run an engine of our own: Linux, as root, with `dockerd`, `ip` and `nsenter`. */
export function canRunEngines(): boolean {
  const isInstalled = (program: string): boolean =>
    ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((dir) => existsSync(join(dir, program)))
  return process.platform === 'linux' && process.getuid?.() === 0 && ['dockerd', 'ip', 'nsenter'].every(isInstalled)
}

/**
 * Starts a `dockerd` with its own data, its own containerd and, since two would fight over the bridge and the packet
 * filter, a network namespace of its own. `args` are handed on to it. Needs {@link canRunEngines}.
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
    const log = openSync(join(dir, 'log'), 'a')
    const storageArgs = [
      '--data-root',
      join(dir, 'data'),
      '--exec-root',
      join(dir, 'exec'),
      '--pidfile',
      join(dir, 'pid'),
    ]
    // Not `ip netns exec`, which mounts /sys anew and so hides the cgroups. nsenter becomes dockerd: its pid is the
    // engine's.
    const command = [`--net=/run/netns/${namespace}`, 'dockerd', ...storageArgs, '-H', `unix://${path}`, ...args]
    running = spawn('nsenter', command, { stdio: ['ignore', log, log] })
    for (let attempts = 0; attempts < 300; attempts += 1) {
      if (running.exitCode !== null)
        throw new Error(`dockerd ended:\n${readFileSync(join(dir, 'log'), 'utf8').slice(-2000)}`)
      const answered = await dockerClient(target)
        .ping()
        .then(
          () => true,
          () => false,
        )
      if (answered) return
      await new Promise((resolve) => setTimeout(resolve, 100)) // polled: an engine does not say when it listens
    }
    throw new Error(`dockerd does not answer; its log is ${join(dir, 'log')}`)
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
    killProcessesMentioning(dir)
    execFileSync('ip', ['netns', 'delete', namespace])
    // An engine that was killed has left its data folder mounted on itself.
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
    for (const mount of mounts.filter((path) => path.startsWith(`${dir}/`)).toReversed())
      execFileSync('umount', ['-l', mount])
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
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
      // Its containerd dies with it, but not at once, and nobody says when: an engine that starts before would wait for
      // that one in vain.
      while (existsSync(`/proc/${containerd}`)) await new Promise((resolve) => setTimeout(resolve, 20))
    },
    pause: () => void running?.kill('SIGSTOP'),
    unpause: () => void running?.kill('SIGCONT'),
    async close() {
      running?.kill('SIGCONT')
      // One that was killed has left containers and containerd behind: only an engine that ends in order takes them
      // along.
      if (!running) await start()
      await removeEngine()
    },
  }
}

/**
 * Kills what an engine that was killed has left: the shims that name its folder, which nobody else's do, and what runs
 * under them.
 */
function killProcessesMentioning(dir: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
    if (!readProcFile(`/proc/${pid}/cmdline`).includes(dir)) continue
    const children = readProcFile(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean)
    for (const member of [...children, pid]) {
      try {
        process.kill(Number(member), 'SIGKILL')
      } catch {
        // ended by itself meanwhile
      }
    }
  }
}

function readProcFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the process has ended meanwhile
  }
}
