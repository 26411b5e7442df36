import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { openWorld } from '../http/world.ts'
import { typist } from './typist.ts'
import { openDesk } from './vm.ts'

const desk = openDesk()

test('a create at a terminal shows the states that it passes, without being asked to wait', async () => {
  const at = typist(['create', 'watched'], desk().env)
  expect(await at.ended).toEqual({ code: 0, signal: 0 })
  const lines = stripVTControlCharacters(at.seen()).split(/[\r\n]+/)
  expect(lines.some((line) => /^ +0\.\d s {2}creating\.queued$/.test(line))).toBe(true)
  expect(lines.at(-2)).toBe('watched runs. `vm ssh watched` opens a shell.')
})

test('a list at a terminal is aligned, coloured, and cut to its width', async () => {
  const { env, make } = desk()
  await make('a-name-that-is-longer-than-most-names-of-workspaces-are')
  const at = typist(['ls'], env, 60)
  await at.ended
  const lines = stripVTControlCharacters(at.seen()).trimEnd().split('\r\n')
  expect(lines[0]).toMatch(/^NAME +ID +STATUS +TEMPLATE +AGE$/)
  expect(lines[1]).toMatch(/^a-name-that-is-longer\S*… +[0-9a-f]{8} +running +base +\d+s$/)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
  expect(at.seen()).toContain('\u001b[32mrunning')
  const plain = typist(['ls'], { ...env, NO_COLOR: '1' }, 60)
  await plain.ended
  expect(plain.seen()).not.toContain('\u001b[')
})

test('a delete at a terminal asks, and takes only a yes', async () => {
  const { env, make, vm } = desk()
  await make('kept')
  const no = typist(['rm', 'kept'], env)
  await no.until('Delete kept (running) and all that is in it? [y/N] ')
  no.type('\r')
  expect(await no.ended).toMatchObject({ code: 1 })
  const interrupted = typist(['rm', 'kept'], env)
  await interrupted.until('[y/N] ')
  interrupted.type('\u0003')
  expect(await interrupted.ended).toMatchObject({ code: 1 })
  expect((await vm(['show', 'kept'])).code).toBe(0)
  const yes = typist(['rm', 'kept'], env)
  await yes.until('[y/N] ')
  yes.type('y\r')
  expect(await yes.ended).toMatchObject({ code: 0 })
  expect((await vm(['show', 'kept'])).code).toBe(1)
})

/** A workspace that runs for real, and whoever has it at a terminal. */
async function openShell(args: readonly string[] = ['ssh', 'shelly']) {
  const { listen, make, until } = await openWorld({ real: true })
  const { id } = await make({ name: 'shelly' })
  await until(id, ({ status }) => status === 'running')
  const env = { ...desk().env, VM_API_URL: `http://127.0.0.1:${await listen()}` }
  return { at: typist(args, env), env }
}

test('vm ssh opens a shell in a terminal of the same size, which follows, and passes Ctrl-C and the exit code on', async () => {
  const { at } = await openShell()
  at.type('stty size; stty -echo; echo ready$((6*7))\r')
  await at.until('30 100')
  await at.until('ready42')
  at.resize(120, 40)
  at.type('until [ "$(stty size)" = "40 120" ]; do :; done; echo resized$((6*7))\r')
  await at.until('resized42')
  at.type(`sh -c 'trap "echo inter\\$((6*7)); exit" INT; echo wait$((6*7)); while :; do sleep 0.1; done'\r`)
  await at.until('wait42')
  at.type('\u0003')
  await at.until('inter42')
  at.type('exit 7\r')
  expect(await at.ended).toEqual({ code: 7, signal: 0 })
})

test('~. at the beginning of a line hangs a shell up', async () => {
  const { at, env } = await openShell()
  at.type('echo ready$((6*7)); exec sleep 273\r')
  await at.until('ready42')
  at.type('\r')
  at.type('~.')
  await at.until('vm: left, and it is hung up.')
  expect(await at.ended).toEqual({ code: 129, signal: 0 })
  const script = 'while pgrep -f "^sleep 273$" > found; do sleep 0.05; done; echo gone'
  const seen = await desk().vm(['exec', '-n', 'shelly', '--', 'sh', '-c', script], { env })
  expect(seen).toMatchObject({ code: 0, stdout: 'gone\n' })
})

test('a workspace that is deleted under a shell is why that ends', async () => {
  const { at, env } = await openShell()
  at.type('echo ready$((6*7))\r')
  await at.until('ready42')
  await desk().vm(['rm', '--yes', 'shelly'], { env })
  await at.until('The workspace was deleted.')
  expect(await at.ended).toMatchObject({ code: 1 })
})

test('vm exec -t runs a command in a terminal, in its folder, with its variables and its exit code', async () => {
  const script = 'test -t 0 && test -t 1 && echo "$PWD:$COLOUR:$1"; read typed; echo "got $typed"; exit 5'
  const options = ['-t', '-C', '/', '-e', 'COLOUR=dark red']
  const { at } = await openShell(['exec', ...options, 'shelly', '--', 'sh', '-c', script, 'sh', "it's &"])
  await at.until("/:dark red:it's &")
  at.type('all\r')
  await at.until('got all')
  expect(await at.ended).toEqual({ code: 5, signal: 0 })
})
