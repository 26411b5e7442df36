import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { openTestServer } from '../http/test-server.ts'
import { openTerminal } from './terminal-session.ts'
import { useCliFixture } from './vm-fixture.ts'

const fixture = useCliFixture()

test('a create at a terminal shows the states that it passes, without being asked to wait', async () => {
  const at = openTerminal(['create', 'watched'], fixture().env)
  expect(await at.exited).toEqual({ code: 0, signal: 0 })
  const lines = stripVTControlCharacters(at.output()).split(/[\r\n]+/)
  expect(lines.some((line) => /^ +0\.\d s {2}creating\.queued$/.test(line))).toBe(true)
  expect(lines.at(-2)).toBe('watched runs. `vm ssh watched` opens a shell.')
})

test('a list at a terminal is aligned, coloured, and cut to its width', async () => {
  const { env, createWorkspace } = fixture()
  await createWorkspace('a-name-that-is-longer-than-most-names-of-workspaces-are')
  const at = openTerminal(['ls'], env, 60)
  await at.exited
  const lines = stripVTControlCharacters(at.output()).trimEnd().split('\r\n')
  expect(lines[0]).toMatch(/^NAME +ID +STATUS +TEMPLATE +AGE$/)
  expect(lines[1]).toMatch(/^a-name-that-is-longer\S*… +[0-9a-f]{8} +running +base +\d+s$/)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
  expect(at.output()).toContain('\u001b[32mrunning')
  const plain = openTerminal(['ls'], { ...env, NO_COLOR: '1' }, 60)
  await plain.exited
  expect(plain.output()).not.toContain('\u001b[')
})

test('a delete at a terminal asks, and takes only a yes', async () => {
  const { env, createWorkspace, vm } = fixture()
  await createWorkspace('kept')
  const no = openTerminal(['rm', 'kept'], env)
  await no.waitFor('Delete kept (running) and all that is in it? [y/N] ')
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

/** A workspace that runs for real, and whoever has it at a terminal. */
async function openShell(args: readonly string[] = ['ssh', 'shelly']) {
  const { listen, createWorkspace, waitFor } = await openTestServer({ realProcesses: true })
  const { id } = await createWorkspace({ name: 'shelly' })
  await waitFor(id, ({ status }) => status === 'running')
  const env = { ...fixture().env, VM_API_URL: `http://127.0.0.1:${await listen()}` }
  return { at: openTerminal(args, env), env }
}

test('vm ssh opens a shell in a terminal of the same size, which follows, and passes Ctrl-C and the exit code on', async () => {
  const { at } = await openShell()
  at.type('stty size; stty -echo; echo ready$((6*7))\r')
  await at.waitFor('30 100')
  await at.waitFor('ready42')
  at.resize(120, 40)
  at.type('until [ "$(stty size)" = "40 120" ]; do :; done; echo resized$((6*7))\r')
  await at.waitFor('resized42')
  at.type(`sh -c 'trap "echo inter\\$((6*7)); exit" INT; echo wait$((6*7)); while :; do sleep 0.1; done'\r`)
  await at.waitFor('wait42')
  at.type('\u0003')
  await at.waitFor('inter42')
  at.type('exit 7\r')
  expect(await at.exited).toEqual({ code: 7, signal: 0 })
})

test('~. at the beginning of a line hangs a shell up', async () => {
  const { at, env } = await openShell()
  at.type('echo ready$((6*7)); exec sleep 273\r')
  await at.waitFor('ready42')
  at.type('\r')
  at.type('~.')
  await at.waitFor('vm: left, and it is hung up.')
  expect(await at.exited).toEqual({ code: 129, signal: 0 })
  const script = 'while pgrep -f "^sleep 273$" > found; do sleep 0.05; done; echo gone'
  const result = await fixture().vm(['exec', '-n', 'shelly', '--', 'sh', '-c', script], { env })
  expect(result).toMatchObject({ code: 0, stdout: 'gone\n' })
})

test('a workspace that is deleted under a shell is why that ends', async () => {
  const { at, env } = await openShell()
  at.type('echo ready$((6*7))\r')
  await at.waitFor('ready42')
  await fixture().vm(['rm', '--yes', 'shelly'], { env })
  await at.waitFor('The workspace was deleted.')
  expect(await at.exited).toMatchObject({ code: 1 })
})

test('vm exec -t runs a command in a terminal, in its folder, with its variables and its exit code', async () => {
  const script = 'test -t 0 && test -t 1 && echo "$PWD:$COLOUR:$1"; read typed; echo "got $typed"; exit 5'
  const options = ['-t', '-C', '/', '-e', 'COLOUR=dark red']
  const { at } = await openShell(['exec', ...options, 'shelly', '--', 'sh', '-c', script, 'sh', "it's &"])
  await at.waitFor("/:dark red:it's &")
  at.type('all\r')
  await at.waitFor('got all')
  expect(await at.exited).toEqual({ code: 5, signal: 0 })
})
