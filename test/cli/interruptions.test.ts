import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { callApi } from '../service/service-process.ts'
import { openTerminal } from './terminal-session.ts'
import { waitForExit, useCliFixture } from './vm-fixture.ts'

// kill -9 of `vm` or of the service, in the middle of each thing that `vm` does.

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
/** Of the workspace `box`, as this machine sees it. */
let home = ''
const here = (name: string) => join(fixture().home, name)
const there = (name: string) => join(home, name)
beforeAll(async () => {
  id = await fixture().createWorkspace('box')
  home = (await fixture().vm(['exec', '-n', 'box', '--', 'pwd'])).stdout.trim()
})

/** A script that runs in the workspace. */
function script(text: string, options: readonly string[] = ['-n']) {
  const child = fixture().start(['exec', ...options, 'box', '--', 'sh', '-c', text])
  child.stdin.on('error', () => {})
  return { child, result: waitForExit(child) }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5) // polled: nothing tells of it
}

/** How the run of the script ended. */
async function endOf(text: string): Promise<unknown> {
  for (;;) {
    const { body } = await callApi(fixture().url, 'alice', 'GET', `/workspaces/${id}/exec`)
    const run = body.find(({ command }: { command: string[] }) => command.includes(text))
    if (run.status !== 'running') return run
    await delay(20) // polled: nothing tells of it
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** What has not come whole yet stands beside the home. */
const incoming = () => readdirSync(dirname(home)).filter((name) => name.startsWith('.incoming-'))

const chunk = Buffer.alloc(3_000_000, 'x')

describe('when `vm` is killed', () => {
  test('the command goes on to its end', async () => {
    const { child } = script('echo there; sleep 1; echo done > went-on')
    await once(child.stdout, 'data')
    await kill(child)
    await until(() => existsSync(there('went-on')) && readFileSync(there('went-on'), 'utf8') === 'done\n')
  })

  test('a command whose input that cuts off is killed too: half is not taken for all', async () => {
    const text = 'cat > half && mv half all'
    const { child } = script(text, [])
    child.stdin.write(chunk)
    await until(() => existsSync(there('half')) && statSync(there('half')).size === chunk.length)
    await kill(child)
    expect(await endOf(text)).toMatchObject({ error: 'stdin-cut-off' })
    expect(existsSync(there('all'))).toBe(false)
  })

  test('a copy into a workspace leaves the old file and nothing else', async () => {
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

  test('a copy out of a workspace leaves the old file here', async () => {
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
  test('a command ends as lost, and nothing hangs', async () => {
    const { child, result } = script('echo there; exec sleep 2')
    await once(child.stdout, 'data')
    await (await fixture().killService())()
    expect(await result).toMatchObject({ code: 1, stdout: 'there\n', stderr: expect.stringContaining('was not seen') })
  })

  test('a command that was being fed ends as lost', async () => {
    const { child, result } = script('cat > part', [])
    child.stdin.write(chunk)
    await until(() => existsSync(there('part')) && statSync(there('part')).size === chunk.length)
    await (await fixture().killService())()
    expect(await result).toMatchObject({ code: 1, stderr: expect.stringContaining('was not seen') })
  })

  test('a copy in leaves the old file, and says what to do', async () => {
    mkdirSync(there('into'))
    writeFileSync(there('into/file'), 'old')
    const child = fixture().start(['cp', '-', 'box:into/file'])
    const result = waitForExit(child)
    child.stdin.on('error', () => {})
    child.stdin.write(chunk)
    await until(() => incoming().length > 0)
    await (await fixture().killService())()
    expect(await result).toMatchObject({ code: 1, stderr: expect.stringContaining('Do it again') })
    expect(readFileSync(there('into/file'), 'utf8')).toBe('old')
    expect((await fixture().vm(['cp', '-', 'box:into/file'], { input: 'new' })).code).toBe(0)
    expect(readdirSync(there('into'))).toEqual(['file'])
    expect(readFileSync(there('into/file'), 'utf8')).toBe('new')
    expect(incoming()).toEqual([])
  })

  test('a copy out leaves the old file, and says what to do', async () => {
    await script('head -c 150000000 /dev/zero > many').result
    writeFileSync(here('many'), 'old')
    const child = fixture().start(['cp', 'box:many', fixture().home])
    const result = waitForExit(child)
    await until(() => readdirSync(fixture().home).some((name) => name.startsWith('.many')))
    await (await fixture().killService())()
    expect(await result).toMatchObject({ code: 1, stderr: expect.stringContaining('Do it again') })
    expect(readFileSync(here('many'), 'utf8')).toBe('old')
    expect(readdirSync(fixture().home).filter((name) => name.includes('many'))).toEqual(['many'])
  })

  test('who follows a log or a create goes on when it is back', async () => {
    const logs = fixture().start(['logs', '-f', 'box'])
    const read = waitForExit(logs)
    await once(logs.stdout, 'data')
    const create = fixture().start(['create', 'other', '--wait', '--json'])
    const made = waitForExit(create)
    let output = ''
    create.stderr.on('data', (data) => (output += String(data)))
    await until(() => output.includes('creating.setup'))
    await (await fixture().killService())()
    expect(await made).toMatchObject({ code: 0, stdout: expect.stringContaining('"running"') })
    await fixture().vm(['stop', 'box'])
    const { code, stdout } = await read
    expect(code).toBe(0)
    expect(stdout.match(/made/g)).toHaveLength(1)
  })

  test('a shell ends, and says how to open another one', async () => {
    await fixture().vm(['start', 'box'])
    const at = openTerminal(['ssh', 'box'], fixture().env)
    at.type('echo ready$((6*7))\r')
    await at.waitFor('ready42')
    await (await fixture().killService())()
    expect(await at.exited).toEqual({ code: 1, signal: 0 })
    expect(at.output()).toContain('`vm ssh box` opens another shell.')
  })
})
