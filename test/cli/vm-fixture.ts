import type { ChildProcess, ChildProcessWithoutNullStreams } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll } from 'vitest'
import type { ServiceProcess } from '../service/service-process.ts'
import { callApi, startServiceProcess } from '../service/service-process.ts'

// The `vm` command as users run it: a process of its own, against a service in another process.

/** The compiled program of `vm`. */
export const vmProgram = join(import.meta.dirname, '../../dist/cli/main.js')

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  /** stdout as bytes. */
  readonly bytes: Buffer
  readonly stderr: string
}

export interface CliFixture {
  readonly url: string
  /** The home directory of the user; empty at first. */
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  /** The current service process. */
  service(): ServiceProcess
  /** Kills the service with SIGKILL. The returned function starts another on the same database and address. */
  killService(): Promise<() => Promise<void>>
  /** Starts `vm`. The caller ends its stdin. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams
  /** Runs `vm` until it exits. `input` is piped into it; by default stdin is /dev/null. */
  vm(
    args: readonly string[],
    options?: { env?: Readonly<Record<string, string>>; input?: Buffer | string },
  ): Promise<CliResult>
  /** Runs a script in a local bash, with `vm` as `$VM`. */
  shell(script: string): Promise<CliResult>
  /** Creates a workspace, waits until it is running, and returns its ID. */
  createWorkspace(name: string): Promise<string>
}

/** Starts one service with one home directory for all tests of a file. `settings` returns the environment of the service, given its directory. */
export function useCliFixture(
  settings: (folder: string) => Readonly<Record<string, string>> = () => ({}),
): () => CliFixture {
  let fixture: CliFixture | undefined
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vm-cli-'))
    const env = {
      VM_API_DB_PATH: join(folder, 'db/vm.db'),
      VM_API_PROVIDER: 'process',
      VM_API_OPERATORS: 'ops',
      ...settings(folder),
    }
    fixture = createFixture(await startServiceProcess(env), env, folder)
  })
  afterAll(async () => {
    if (fixture) {
      const { body } = await callApi(fixture.url, 'ops', 'GET', '/workspaces?owner=*')
      for (const { id } of Array.isArray(body) ? body : [])
        await callApi(fixture.url, 'ops', 'DELETE', `/workspaces/${id}`)
      await fixture.service().stop('SIGTERM')
    }
    rmSync(folder, { recursive: true, force: true })
  })
  return () => {
    if (!fixture) throw new Error('The service is not running yet.')
    return fixture
  }
}

function createFixture(first: ServiceProcess, settings: Readonly<Record<string, string>>, home: string): CliFixture {
  let service = first
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TERM: 'xterm-256color',
    VM_API_URL: service.url,
    VM_API_USER: 'alice',
    VM_API_DEBUG: '1',
  }
  const command = [process.execPath, vmProgram] as const
  const start: CliFixture['start'] = (args, extraEnv = {}) => {
    const [program, ...fixedArgs] = command
    return spawn(program, [...fixedArgs, ...args], { env: { ...env, ...extraEnv } })
  }
  const fixture: CliFixture = {
    url: service.url,
    home,
    env,
    service: () => service,
    async killService() {
      const { url } = service
      await service.stop('SIGKILL')
      return async () => void (service = await startServiceProcess({ ...settings, VM_API_BIND: new URL(url).host }))
    },
    start,
    async vm(args, { env: extraEnv = {}, input } = {}) {
      const [program, ...fixedArgs] = command
      if (input === undefined)
        return waitForExit(
          spawn(program, [...fixedArgs, ...args], { env: { ...env, ...extraEnv }, stdio: ['ignore', 'pipe', 'pipe'] }),
        )
      const child = start(args, extraEnv)
      child.stdin.on('error', () => {}) // it need not read all input
      child.stdin.end(input)
      return waitForExit(child)
    },
    shell: (script) =>
      waitForExit(
        spawn('bash', ['-c', script], { env: { ...env, VM: command.join(' ') }, stdio: ['ignore', 'pipe', 'pipe'] }),
      ),
    async createWorkspace(name) {
      const { code, stderr, stdout } = await fixture.vm(['create', name, '--wait', '--json'])
      if (code !== 0) throw new Error(stderr)
      return String(Object(JSON.parse(stdout)).id)
    },
  }
  return fixture
}

/** Waits until a child process has exited, and collects its output. */
export async function waitForExit(
  child: ChildProcess & { readonly stdout: Readable; readonly stderr: Readable },
): Promise<CliResult> {
  const chunks: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => chunks.push(data))
  child.stderr.on('data', (data) => (stderr += String(data)))
  const [code] = await once(child, 'close')
  const bytes = Buffer.concat(chunks)
  return { code: code === null ? null : Number(code), stdout: bytes.toString(), bytes, stderr }
}
