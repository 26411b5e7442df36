import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { formatLogLine } from '../../src/cli/output/log-line.ts'
import { openTerminal } from './terminal-session.ts'
import { waitForExit, useCliFixture } from './vm-fixture.ts'

const fixture = useCliFixture()

/** The environment of a service with an empty database. */
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

/** Waits until the service answers: its signal handlers are installed by then. */
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
  'vm serve forwards %s, and exits with the exit code of the service',
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

test('Ctrl-C at the terminal of vm serve shuts the service down cleanly', async () => {
  const terminal = openTerminal(['serve'], serviceEnv('terminal'))
  const shown = /^\S*\d\d:\d\d:\d\d\S* vm-api listens\r?\n.*url=(http:\S+)/m
  const url = shown.exec(await terminal.waitFor(shown))?.[1]
  await fetch(`${url}/health`)
  terminal.type('\u0003')
  expect(await terminal.exited).toEqual({ code: 0, signal: 0 })
  expect(terminal.output()).toContain('signal=SIGINT')
})

test.runIf(process.platform === 'linux')('closing the terminal of vm serve ends the service', async () => {
  const terminal = openTerminal(['serve'], serviceEnv('closed'))
  const url = /url=(http:\S+)/.exec(await terminal.waitFor(/url=http:\S+/))?.[1]
  await fetch(`${url}/health`)
  const [service] = readFileSync(`/proc/${terminal.pid}/task/${terminal.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .slice(-1)
  terminal.close()
  await expect.poll(() => existsSync(`/proc/${service}`), { timeout: 20_000 }).toBe(false)
})

test.runIf(process.platform === 'linux')('vm serve exits with 137 when the service is killed', async () => {
  const child = fixture().start(['serve'], serviceEnv('killed'))
  const result = waitForExit(child)
  await ready(child.stdout)
  const [service] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').slice(-1)
  process.kill(Number(service), 'SIGKILL')
  expect((await result).code).toBe(137)
})

test('vm serve shows why the service cannot start', async () => {
  const { code, stderr } = await fixture().vm(['serve'], { env: { ...serviceEnv('bad'), VM_API_BIND: 'nonsense' } })
  expect(code).toBe(1)
  expect(stderr).toContain('VM_API_BIND')
})

test('with --json, the log at a terminal is unformatted', async () => {
  const terminal = openTerminal(['--json', 'serve'], serviceEnv('json'))
  const url = listening.exec(await terminal.waitFor(listening))?.[1]
  await fetch(`${url}/health`)
  terminal.type('\u0003')
  await terminal.exited
  expect(terminal.output()).not.toContain('url=')
})

const plain = (_style: string, text: string) => text

test('a log line starts with its message, and an error shows its cause', () => {
  const time = new Date(2026, 0, 31, 12, 3, 4).toISOString()
  expect(
    formatLogLine(JSON.stringify({ level: 'info', time, url: 'http://a', reason: 'two words', msg: 'listens' }), plain),
  ).toBe('12:03:04 listens\n         url=http://a  reason="two words"')
  const err = { type: 'Error', message: 'no space', stack: 'Error: no space\n    at one (a.js:1:2)' }
  expect(formatLogLine(JSON.stringify({ level: 'error', time, err, msg: 'not written' }), plain)).toBe(
    '12:03:04 error: not written: no space\n         at one (a.js:1:2)',
  )
})

test.each(['(node:1) Warning: old', '{"level":"info"}', '[1]', 'null', ''])(
  '%j is not a log line and stays unchanged',
  (line) => {
    expect(formatLogLine(line, plain)).toBe(line)
  },
)
