import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { callApi } from '../service/service-process.ts'
import { openTerminal } from './terminal-session.ts'
import { waitForExit, useCliFixture } from './vm-fixture.ts'

// SIGKILL of `vm` or of the service, in the middle of each kind of operation of `vm`.

const fixture = useCliFixture((folder) => {
  const template = join(folder, 'templates/base')
  mkdirSync(template, { recursive: true })
  writeFileSync(
    join(template, 'devcontainer.json'),
    JSON.stringify({ image: 'debian:13.3-slim', postCreateCommand: 'echo made; sleep 2' }),
  )
  return { VM_API_TEMPLATES_DIR: join(folder, 'templates') }
})
let id = ''
/** The home directory of the workspace `box`, as a local path. */
let home = ''
const here = (name: string) => join(fixture().home, name)
const there = (name: string) => join(home, name)
beforeAll(async () => {
  id = await fixture().createWorkspace('box')
  home = (await fixture().vm(['exec', '-n', 'box', '--', 'pwd'])).stdout.trim()
})

/** Starts a script in the workspace. */
function script(text: string, options: readonly string[] = ['-n']) {
  const child = fixture().start(['exec', ...options, 'box', '--', 'sh', '-c', text])
  child.stdin.on('error', () => {})
  return { child, result: waitForExit(child) }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5) // polled: files have no events here
}

/** Waits until the script has ended, and returns its exec session. */
async function endOf(text: string): Promise<unknown> {
  for (;;) {
    const { body } = await callApi(fixture().url, 'alice', 'GET', `/workspaces/${id}/exec`)
    const run = body.find(({ command }: { command: string[] }) => command.includes(text))
    if (run.status !== 'running') return run
    await delay(20) // polled: files have no events here
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** Incomplete uploads are stored next to the home directory. */
const incoming = () => readdirSync(dirname(home)).filter((name) => name.startsWith('.incoming-'))

const chunk = Buffer.alloc(3_000_000, 'x')

describe('when `vm` is killed', () => {
  test('the command continues', async () => {
    const { child } = script('echo there; sleep 1; echo done > went-on')
    await once(child.stdout, 'data')
    await kill(child)
    await until(() => existsSync(there('went-on')) && readFileSync(there('went-on'), 'utf8') === 'done\n')
  })

  test('a command that reads stdin is killed too, so that it does not take partial input for all of it', async () => {
    const text = 'cat > half && mv half all'
    const { child } = script(text, [])
    child.stdin.write(chunk)
    await until(() => existsSync(there('half')) && statSync(there('half')).size === chunk.length)
    await kill(child)
    expect(await endOf(text)).toMatchObject({ error: 'stdin-cut-off' })
    expect(existsSync(there('all'))).toBe(false)
  })

  test('a copy into a workspace keeps the old file, and leaves nothing behind', async () => {
    mkdirSync(there('in'))
    writeFileSync(there('in/file'), 'old')
    const child = fixture().start(['cp', '-', 'box:in/file'])
    child.stdin.on('error', () => {})
    child.stdin.write(chunk)
    await until(() => incoming().length > 0)
    await kill(child)
    await until(() => incoming().length === 0)
    expect(readdirSync(there('in'))).toEqual(['file'])
    expect(readFileSync(there('in/file'), 'utf8')).toBe('old')
  })

  test('a copy out of a workspace keeps the old local file', async () => {
    await script('head -c 150000000 /dev/zero > zeros').result
    writeFileSync(here('zeros'), 'old')
    const child = fixture().start(['cp', 'box:zeros', fixture().home])
    await until(() => readdirSync(fixture().home).some((name) => name.startsWith('.zeros')))
    await kill(child)
    expect(readFileSync(here('zeros'), 'utf8')).toBe('old')
    expect(await fixture().vm(['cp', 'box:zeros', fixture().home])).toMatchObject({ code: 0, stderr: '' })
    expect(statSync(here('zeros')).size).toBe(150_000_000)
  })
})

describe('when the service is killed', () => {
  test('a command ends with an unknown result, and nothing hangs', async () => {
    const { child, result } = script('echo there; exec sleep 2')
    await once(child.stdout, 'data')
    await (await fixture().killService())()
    expect(await result).toMatchObject({
      code: 1,
      stdout: 'there\n',
      stderr: expect.stringContaining('result of the command is unknown'),
    })
  })

  test('a command that reads stdin ends with an unknown result', async () => {
    const { child, result } = script('cat > part', [])
    child.stdin.write(chunk)
    await until(() => existsSync(there('part')) && statSync(there('part')).size === chunk.length)
    await (await fixture().killService())()
    expect(await result).toMatchObject({ code: 1, stderr: expect.stringContaining('result of the command is unknown') })
  })

  test('a copy into a workspace keeps the old file, and says what to do', async () => {
    mkdirSync(there('into'))
    writeFileSync(there('into/file'), 'old')
    const child = fixture().start(['cp', '-', 'box:into/file'])
    const result = waitForExit(child)
    child.stdin.on('error', () => {})
    child.stdin.write(chunk)
    await until(() => incoming().length > 0)
    await (await fixture().killService())()
    expect(await result).toMatchObject({ code: 1, stderr: expect.stringContaining('Run the command again') })
    expect(readFileSync(there('into/file'), 'utf8')).toBe('old')
    expect((await fixture().vm(['cp', '-', 'box:into/file'], { input: 'new' })).code).toBe(0)
    expect(readdirSync(there('into'))).toEqual(['file'])
    expect(readFileSync(there('into/file'), 'utf8')).toBe('new')
    expect(incoming()).toEqual([])
  })

  test('a copy out of a workspace keeps the old local file, and says what to do', async () => {
    await script('head -c 150000000 /dev/zero > many').result
    writeFileSync(here('many'), 'old')
    const child = fixture().start(['cp', 'box:many', fixture().home])
    const result = waitForExit(child)
    await until(() => readdirSync(fixture().home).some((name) => name.startsWith('.many')))
    await (await fixture().killService())()
    expect(await result).toMatchObject({ code: 1, stderr: expect.stringContaining('Run the command again') })
    expect(readFileSync(here('many'), 'utf8')).toBe('old')
    expect(readdirSync(fixture().home).filter((name) => name.includes('many'))).toEqual(['many'])
  })

  test('vm logs -f and vm create continue after its restart', async () => {
    const logs = fixture().start(['logs', '-f', 'box'])
    const read = waitForExit(logs)
    await once(logs.stdout, 'data')
    const create = fixture().start(['create', 'other', '--wait', '--json'])
    const created = waitForExit(create)
    let output = ''
    create.stderr.on('data', (data) => (output += String(data)))
    await until(() => output.includes('creating.setup'))
    await (await fixture().killService())()
    expect(await created).toMatchObject({ code: 0, stdout: expect.stringContaining('"running"') })
    await fixture().vm(['stop', 'box'])
    const { code, stdout } = await read
    expect(code).toBe(0)
    expect(stdout.match(/made/g)).toHaveLength(1)
  })

  test('a shell ends, and says how to open a new one', async () => {
    await fixture().vm(['start', 'box'])
    const terminal = openTerminal(['ssh', 'box'], fixture().env)
    terminal.type('echo ready$((6*7))\r')
    await terminal.waitFor('ready42')
    await (await fixture().killService())()
    expect(await terminal.exited).toEqual({ code: 1, signal: 0 })
    expect(terminal.output()).toContain('Open a new shell with: vm ssh box')
  })
})
