import type { ChildProcess, ChildProcessWithoutNullStreams } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll } from 'vitest'
import type { ChildService } from '../service/child-service.ts'
import { call, startChild } from '../service/child-service.ts'

// The `vm` command as its users run it: a process of its own, against a service that is one too.

/** The program behind `vm`, compiled. */
export const vmProgram = join(import.meta.dirname, '../../dist/cli/main.js')

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  /** What it wrote to stdout, as bytes. */
  readonly bytes: Buffer
  readonly stderr: string
}

export interface Desk {
  readonly url: string
  /** The home of whoever types, empty at first. */
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  /** The service of now. */
  service(): ChildService
  /** kill -9 of the service; what settles starts another on the same database and address. */
  killService(): Promise<() => Promise<void>>
  /** Starts `vm`; its stdin is open until somebody ends it. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams
  /** Runs `vm` to its end. `input` is piped in; without, stdin is /dev/null. */
  vm(args: readonly string[], how?: { env?: Readonly<Record<string, string>>; input?: Buffer | string }): Promise<Ran>
  /** Runs `vm` as `$VM` in a shell of this machine: for pipes. */
  shell(script: string): Promise<Ran>
  /** Creates a workspace that runs, and answers its id. */
  make(name: string): Promise<string>
}

/** One service and one home for all tests of a file. `settings` are those of the service, once its folder is there. */
export function openDesk(settings: (folder: string) => Readonly<Record<string, string>> = () => ({})): () => Desk {
  let desk: Desk | undefined
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vm-cli-'))
    const env = {
      VM_API_DB_PATH: join(folder, 'db/vm.db'),
      VM_API_PROVIDER: 'process',
      VM_API_OPERATORS: 'ops',
      ...settings(folder),
    }
    desk = deskAt(await startChild(env), env, folder)
  })
  afterAll(async () => {
    if (desk) {
      const { body } = await call(desk.url, 'ops', 'GET', '/workspaces?owner=*')
      for (const { id } of Array.isArray(body) ? body : []) await call(desk.url, 'ops', 'DELETE', `/workspaces/${id}`)
      await desk.service().end('SIGTERM')
    }
    rmSync(folder, { recursive: true, force: true })
  })
  return () => {
    if (!desk) throw new Error('there is no service yet')
    return desk
  }
}

function deskAt(first: ChildService, settings: Readonly<Record<string, string>>, home: string): Desk {
  let service = first
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TERM: 'xterm-256color',
    VM_API_URL: service.url,
    VM_API_USER: 'alice',
  }
  const command = [process.execPath, vmProgram] as const
  const start: Desk['start'] = (args, more = {}) => {
    const [program, ...before] = command
    return spawn(program, [...before, ...args], { env: { ...env, ...more } })
  }
  const desk: Desk = {
    url: service.url,
    home,
    env,
    service: () => service,
    async killService() {
      const { url } = service
      await service.end('SIGKILL')
      return async () => void (service = await startChild({ ...settings, VM_API_BIND: new URL(url).host }))
    },
    start,
    async vm(args, { env: more = {}, input } = {}) {
      const [program, ...before] = command
      if (input === undefined)
        return ended(
          spawn(program, [...before, ...args], { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] }),
        )
      const child = start(args, more)
      child.stdin.on('error', () => {}) // it need not read all
      child.stdin.end(input)
      return ended(child)
    },
    shell: (script) =>
      ended(
        spawn('bash', ['-c', script], { env: { ...env, VM: command.join(' ') }, stdio: ['ignore', 'pipe', 'pipe'] }),
      ),
    async make(name) {
      const { code, stderr, stdout } = await desk.vm(['create', name, '--wait', '--json'])
      if (code !== 0) throw new Error(stderr)
      return String(Object(JSON.parse(stdout)).id)
    },
  }
  return desk
}

/** Waits until a child has ended, and collects what it wrote. */
export async function ended(
  child: ChildProcess & { readonly stdout: Readable; readonly stderr: Readable },
): Promise<Ran> {
  const pieces: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => pieces.push(data))
  child.stderr.on('data', (data) => (stderr += String(data)))
  const [code] = await once(child, 'close')
  const bytes = Buffer.concat(pieces)
  return { code: code === null ? null : Number(code), stdout: bytes.toString(), bytes, stderr }
}
