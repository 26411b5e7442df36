import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ServiceProcess } from './service-process.ts'
import { callApi, runServiceProgram, startServiceProcess, waitForWorkspace } from './service-process.ts'

let folder: string
let env: Record<string, string>
const running = new Set<ServiceProcess>()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vm-api-service-'))
  env = { VM_API_DB_PATH: join(folder, 'db', 'vm.db'), VM_API_PROVIDER: 'process' }
})

afterEach(async () => {
  for (const service of running) {
    const all = (await callApi(service.url, 'ops', 'GET', '/workspaces?owner=*')).body
    for (const { id } of Array.isArray(all) ? all : []) await callApi(service.url, 'ops', 'DELETE', `/workspaces/${id}`)
    await service.stop('SIGTERM')
  }
  running.clear()
  rmSync(folder, { recursive: true, force: true })
})

async function start(more: Record<string, string> = {}) {
  const service = await startServiceProcess({ ...env, VM_API_OPERATORS: 'ops', ...more })
  running.add(service)
  return service
}

async function end(service: ServiceProcess, signal: NodeJS.Signals) {
  running.delete(service)
  return service.stop(signal)
}

async function make(service: ServiceProcess, name: string) {
  const { body } = await callApi(service.url, 'alice', 'POST', '/workspaces', { name })
  return waitForWorkspace(service.url, 'alice', body.id, ({ status }) => status === 'running')
}

const isAlive = (pid: unknown) => existsSync(`/proc/${String(pid)}`)

describe('the service as a process', () => {
  test('a workspace survives a killed service, and the next service takes it over unchanged', async () => {
    const first = await start()
    const created = await make(first, 'kept')
    expect(await end(first, 'SIGKILL')).toBeNull()
    expect(isAlive(created.connection_info?.pid)).toBe(true)
    const second = await start()
    const { body } = await callApi(second.url, 'alice', 'GET', `/workspaces/${created.id}`)
    expect(body).toEqual(created)
  })

  test('SIGTERM ends the service with 0 and leaves its workspaces running', async () => {
    const first = await start()
    const created = await make(first, 'kept')
    expect(await end(first, 'SIGTERM')).toBe(0)
    expect(isAlive(created.connection_info?.pid)).toBe(true)
    expect(existsSync(`${env['VM_API_DB_PATH']}-wal`)).toBe(false)
    const second = await start()
    const history = (await callApi(second.url, 'alice', 'GET', `/workspaces/${created.id}/history`)).body
    expect(history.at(-1)).toMatchObject({ to: 'running.up', event: 'setup.done' })
  })

  test('ten creates interrupted by a kill are ten running workspaces after the next start, none twice', async () => {
    const first = await start()
    const names = Array.from({ length: 10 }, (_, n) => `cut-${n}`)
    const created = await Promise.all(names.map((name) => callApi(first.url, 'alice', 'POST', '/workspaces', { name })))
    expect(created.map(({ status }) => status)).toEqual(names.map(() => 200))
    await end(first, 'SIGKILL')
    const second = await start()
    const up = await Promise.all(
      created.map(({ body }) => waitForWorkspace(second.url, 'alice', body.id, ({ state }) => state === 'running.up')),
    )
    const pids = new Set(up.map(({ connection_info }) => connection_info?.pid))
    expect(pids.size).toBe(10)
    expect([...pids].every(isAlive)).toBe(true)
  })

  test('a second service on the same database is refused and exits with 1', async () => {
    await start()
    const { code, stderr } = await runServiceProgram([], { ...env, VM_API_BIND: '127.0.0.1:0' })
    expect(code).toBe(1)
    expect(stderr).toContain('Another process is serving the database')
    expect(stderr).toContain('VM_API_DB_PATH')
  })

  test('a port in use prevents the start with the next step, and releases the database', async () => {
    const first = await start()
    const other = { ...env, VM_API_DB_PATH: join(folder, 'other', 'vm.db'), VM_API_BIND: new URL(first.url).host }
    const { code, stderr } = await runServiceProgram([], other)
    expect([code, stderr]).toEqual([1, expect.stringContaining('VM_API_BIND')])
  })

  test('only the service may access the database and its folder', async () => {
    await start()
    const path = env['VM_API_DB_PATH'] ?? ''
    expect(statSync(join(folder, 'db')).mode & 0o777).toBe(0o700)
    for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}.lock`])
      expect([file, statSync(file).mode & 0o777]).toEqual([file, 0o600])
  })

  test('the log never contains the headers that name the caller', async () => {
    const service = await start({ VM_API_LOG_LEVEL: 'trace' })
    await make(service, 'logged')
    await end(service, 'SIGTERM')
    const text = service.lines.join('\n')
    expect(text).toContain('"workspace"')
    expect(text).not.toMatch(/x-user|x-vm-user/i)
  })

  test('the provider chosen at the first start stays, even if another would be chosen now', async () => {
    const nowhere = { DOCKER_HOST: `unix://${folder}/none.sock`, VM_API_PROVIDER: 'auto' }
    const first = await start(nowhere)
    expect(first.lines.join('\n')).toContain('no Docker engine answers')
    await end(first, 'SIGTERM')
    const second = await start(nowhere)
    expect(second.lines.join('\n')).toContain('chosen at the first start')
    expect((await make(second, 'here')).provider).toBe('process')
  })
})

describe('the command line', () => {
  test('--help lists the settings, --version prints the version', async () => {
    const help = await runServiceProgram(['--help'], {})
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain('VM_API_DB_PATH')
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(await runServiceProgram(['--version'], {})).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('an unknown argument is refused', async () => {
    expect(await runServiceProgram(['--port'], {})).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--help'),
    })
  })

  test('an invalid setting prevents the start, with its name, its value and the valid values', async () => {
    const { code, stderr } = await runServiceProgram([], { ...env, VM_API_JANITOR_INTERVAL: 'soon' })
    expect(code).toBe(1)
    expect(stderr).toContain('VM_API_JANITOR_INTERVAL')
    expect(stderr).toContain('"soon"')
  })

  test('a template with an error prevents the start, with file, line and reason', async () => {
    const templates = join(folder, 'templates')
    mkdirSync(join(templates, 'base'), { recursive: true })
    writeFileSync(join(templates, 'base', 'devcontainer.json'), '{\n  "image": "debian",\n  "privileged": true\n}\n')
    const { code, stderr } = await runServiceProgram([], { ...env, VM_API_TEMPLATES_DIR: templates })
    expect(code).toBe(1)
    expect(stderr).toMatch(/devcontainer\.json:3: .*privileged/)
  })

  test('the process provider is refused in proxy mode', async () => {
    const { code, stderr } = await runServiceProgram([], { ...env, VM_API_AUTH: 'proxy' })
    expect([code, stderr]).toEqual([1, expect.stringContaining('not isolated')])
  })
})
