import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { openTestServer } from '../http/test-server.ts'
import { openTerminal } from './terminal-session.ts'
import { useCliFixture } from './vm-fixture.ts'

const fixture = useCliFixture()

test('vm create at a terminal shows the states, and waits without --wait', async () => {
  const terminal = openTerminal(['create', 'watched'], fixture().env)
  expect(await terminal.exited).toEqual({ code: 0, signal: 0 })
  const lines = stripVTControlCharacters(terminal.output()).split(/[\r\n]+/)
  expect(lines.some((line) => /^ +0\.\d s {2}creating\.queued$/.test(line))).toBe(true)
  expect(lines.at(-2)).toBe('Workspace "watched" is running. Open a shell with: vm ssh watched')
})

test('vm ls at a terminal is aligned, coloured, and truncated to its width', async () => {
  const { env, createWorkspace } = fixture()
  await createWorkspace('a-name-that-is-longer-than-most-names-of-workspaces-are')
  const terminal = openTerminal(['ls'], env, 60)
  await terminal.exited
  const lines = stripVTControlCharacters(terminal.output()).trimEnd().split('\r\n')
  expect(lines[0]).toMatch(/^NAME +ID +STATUS +TEMPLATE +AGE$/)
  expect(lines[1]).toMatch(/^a-name-that-is-longer\S*… +[0-9a-f]{8} +running +base +\d+s$/)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
  expect(terminal.output()).toContain('\u001b[32mrunning')
  const plain = openTerminal(['ls'], { ...env, NO_COLOR: '1' }, 60)
  await plain.exited
  expect(plain.output()).not.toContain('\u001b[')
})

test('vm rm at a terminal asks for confirmation', async () => {
  const { env, createWorkspace, vm } = fixture()
  await createWorkspace('kept')
  const no = openTerminal(['rm', 'kept'], env)
  await no.waitFor('Delete kept (running) and its files? [y/N] ')
  no.type('\r')
  expect(await no.exited).toMatchObject({ code: 1 })
  const interrupted = openTerminal(['rm', 'kept'], env)
  await interrupted.waitFor('[y/N] ')
  interrupted.type('\u0003')
  expect(await interrupted.exited).toMatchObject({ code: 1 })
  expect((await vm(['show', 'kept'])).code).toBe(0)
  const yes = openTerminal(['rm', 'kept'], env)
  await yes.waitFor('[y/N] ')
  yes.type('y\r')
  expect(await yes.exited).toMatchObject({ code: 0 })
  expect((await vm(['show', 'kept'])).code).toBe(1)
})

/** Runs `vm` in a terminal, against a workspace of real processes. */
async function openShell(args: readonly string[] = ['ssh', 'shelly']) {
  const { listen, createWorkspace, waitFor } = await openTestServer({ realProcesses: true })
  const { id } = await createWorkspace({ name: 'shelly' })
  await waitFor(id, ({ status }) => status === 'running')
  const env = { ...fixture().env, VM_API_URL: `http://127.0.0.1:${await listen()}` }
  return { terminal: openTerminal(args, env), env }
}

test('vm ssh passes on the terminal size, Ctrl-C and the exit code', async () => {
  const { terminal } = await openShell()
  terminal.type('stty size; stty -echo; echo ready$((6*7))\r')
  await terminal.waitFor('30 100')
  await terminal.waitFor('ready42')
  terminal.resize(120, 40)
  terminal.type('until [ "$(stty size)" = "40 120" ]; do :; done; echo resized$((6*7))\r')
  await terminal.waitFor('resized42')
  terminal.type(`sh -c 'trap "echo inter\\$((6*7)); exit" INT; echo wait$((6*7)); while :; do sleep 0.1; done'\r`)
  await terminal.waitFor('wait42')
  terminal.type('\u0003')
  await terminal.waitFor('inter42')
  terminal.type('exit 7\r')
  expect(await terminal.exited).toEqual({ code: 7, signal: 0 })
})

test('~. at the start of a line hangs up the shell', async () => {
  const { terminal, env } = await openShell()
  terminal.type('echo ready$((6*7)); exec sleep 273\r')
  await terminal.waitFor('ready42')
  terminal.type('\r')
  terminal.type('~.')
  await terminal.waitFor('vm: Hung up.')
  expect(await terminal.exited).toEqual({ code: 129, signal: 0 })
  const script = 'while pgrep -f "^sleep 273$" > found; do sleep 0.05; done; echo gone'
  const result = await fixture().vm(['exec', '-n', 'shelly', '--', 'sh', '-c', script], { env })
  expect(result).toMatchObject({ code: 0, stdout: 'gone\n' })
})

test('a shell ends with the reason when its workspace is deleted', async () => {
  const { terminal, env } = await openShell()
  terminal.type('echo ready$((6*7))\r')
  await terminal.waitFor('ready42')
  await fixture().vm(['rm', '--yes', 'shelly'], { env })
  await terminal.waitFor('The workspace was deleted.')
  expect(await terminal.exited).toMatchObject({ code: 1 })
})

test('vm exec -t runs a command in a terminal, with its working directory, variables and exit code', async () => {
  const script = 'test -t 0 && test -t 1 && echo "$PWD:$COLOUR:$1"; read typed; echo "got $typed"; exit 5'
  const options = ['-t', '-C', '/', '-e', 'COLOUR=dark red']
  const { terminal } = await openShell(['exec', ...options, 'shelly', '--', 'sh', '-c', script, 'sh', "it's &"])
  await terminal.waitFor("/:dark red:it's &")
  terminal.type('all\r')
  await terminal.waitFor('got all')
  expect(await terminal.exited).toEqual({ code: 5, signal: 0 })
})
