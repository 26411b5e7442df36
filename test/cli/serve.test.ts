import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { formatLogLine } from '../../src/cli/output/log-line.ts'
import { openTerminal } from './terminal-session.ts'
import { waitForExit, useCliFixture } from './vm-fixture.ts'

const fixture = useCliFixture()

/** What a service of its own needs; nothing runs in it. */
function serviceEnv(name: string): Record<string, string> {
  const { env, home } = fixture()
  return {
    ...env,
    VM_API_URL: '',
    VM_API_USER: '',
    VM_API_BIND: '127.0.0.1:0',
    VM_API_PROVIDER: 'process',
    VM_API_DB_PATH: join(home, name, 'vm.db'),
  }
}

const listening = /"url":"(http:[^"]+)"/

/** Once it has answered, it is ready for signals too. */
async function ready(stdout: Readable): Promise<void> {
  const url = await new Promise<string>((resolve) =>
    stdout.on('data', (data) => {
      const found = listening.exec(String(data))?.[1]
      if (found !== undefined) resolve(found)
    }),
  )
  await fetch(`${url}/health`)
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'vm serve passes %s on, and the exit code of the service',
  async (signal) => {
    const child = fixture().start(['serve'], serviceEnv(signal))
    const result = waitForExit(child)
    await ready(child.stdout)
    child.kill(signal)
    const { code, stdout } = await result
    expect(code).toBe(0)
    expect(stdout).toContain(`"signal":"${signal === 'SIGHUP' ? 'SIGTERM' : signal}"`)
  },
)

test('a Ctrl-C at the terminal of vm serve ends the service in good order', async () => {
  const at = openTerminal(['serve'], serviceEnv('terminal'))
  const shown = /^\S*\d\d:\d\d:\d\d\S* vm-api listens\r?\n.*url=(http:\S+)/m
  const url = shown.exec(await at.waitFor(shown))?.[1]
  await fetch(`${url}/health`)
  at.type('\u0003')
  expect(await at.exited).toEqual({ code: 0, signal: 0 })
  expect(at.output()).toContain('signal=SIGINT')
})

test.runIf(process.platform === 'linux')('a terminal that is closed under vm serve ends the service', async () => {
  const at = openTerminal(['serve'], serviceEnv('closed'))
  const url = /url=(http:\S+)/.exec(await at.waitFor(/url=http:\S+/))?.[1]
  await fetch(`${url}/health`)
  const [service] = readFileSync(`/proc/${at.pid}/task/${at.pid}/children`, 'utf8').trim().split(' ').slice(-1)
  at.close()
  await expect.poll(() => existsSync(`/proc/${service}`), { timeout: 20_000 }).toBe(false)
})

test.runIf(process.platform === 'linux')('a service that is killed ends vm serve with 137', async () => {
  const child = fixture().start(['serve'], serviceEnv('killed'))
  const result = waitForExit(child)
  await ready(child.stdout)
  const [service] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').slice(-1)
  process.kill(Number(service), 'SIGKILL')
  expect((await result).code).toBe(137)
})

test('a service that cannot start says so through vm serve', async () => {
  const { code, stderr } = await fixture().vm(['serve'], { env: { ...serviceEnv('bad'), VM_API_BIND: 'nonsense' } })
  expect(code).toBe(1)
  expect(stderr).toContain('VM_API_BIND')
})

test('with --json the log at a terminal is that of the service', async () => {
  const at = openTerminal(['--json', 'serve'], serviceEnv('json'))
  const url = listening.exec(await at.waitFor(listening))?.[1]
  await fetch(`${url}/health`)
  at.type('\u0003')
  await at.exited
  expect(at.output()).not.toContain('url=')
})

const plain = (_style: string, text: string) => text

test('a line of the log is shown with what it says first, and an error with its cause', () => {
  const time = new Date(2026, 0, 31, 12, 3, 4).toISOString()
  expect(
    formatLogLine(JSON.stringify({ level: 'info', time, url: 'http://a', why: 'it is so', msg: 'listens' }), plain),
  ).toBe('12:03:04 listens\n         url=http://a  why="it is so"')
  const err = { type: 'Error', message: 'no space', stack: 'Error: no space\n    at one (a.js:1:2)' }
  expect(formatLogLine(JSON.stringify({ level: 'error', time, err, msg: 'not written' }), plain)).toBe(
    '12:03:04 error: not written: no space\n         at one (a.js:1:2)',
  )
})

test.each(['(node:1) Warning: old', '{"level":"info"}', '[1]', 'null', ''])(
  '%j is no line of the log and stays',
  (line) => {
    expect(formatLogLine(line, plain)).toBe(line)
  },
)
