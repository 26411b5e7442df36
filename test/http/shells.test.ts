import { expect, test } from 'vitest'
import { refusalOf, shellOf } from './shell-client.ts'
import type { Setting } from './world.ts'
import { openWorld } from './world.ts'

const nobody = '550e8400-e29b-41d4-a716-446655440000'

/** A workspace that runs, and where it is served. */
async function up(setting: Setting = {}) {
  const world = await openWorld({ real: true, ...setting })
  const port = await world.listen()
  const { id } = await world.make()
  await world.until(id, ({ status }) => status === 'running')
  return { ...world, id, port }
}

test('what is typed into a shell is run, and what it writes comes back', async () => {
  const { id, port } = await up()
  const shell = await shellOf(port, id)
  shell.type('echo $((6*7)) $TERM\n')
  await shell.shows(/^42 xterm-256color$/m)
  expect(shell.notices[0]).toMatchObject({ type: 'session', resumed: false })
})

test('a shell has the size that was asked for, and another once it is resized', async () => {
  const { id, port } = await up()
  const shell = await shellOf(port, id, { query: { columns: '132', rows: '43' } })
  shell.type('stty size\n')
  await shell.shows(/^43 132$/m)
  shell.resize(61, 17)
  shell.type('stty size\n')
  await shell.shows(/^17 61$/m)
})

test('the exit code of a shell is told, and the connection is closed', async () => {
  const { id, port } = await up()
  const shell = await shellOf(port, id)
  shell.type('exit 7\n')
  expect(await shell.told('ended')).toEqual({ type: 'ended', exit_code: 7 })
  expect((await shell.closed).code).toBe(1000)
})

test('a shell that is killed says by which signal', async () => {
  const { id, port } = await up()
  const shell = await shellOf(port, id)
  shell.type('kill -9 $$\n')
  expect(await shell.told('ended')).toEqual({ type: 'ended', signal: 'SIGKILL' })
})

test('a client that comes back to its session sees the screen as it was, and goes on', async () => {
  const { id, port } = await up()
  const first = await shellOf(port, id)
  const { session } = await first.told('session')
  first.type('mine=kept; printf "%s\\n" on-the-"screen"\n')
  await first.shows(/^on-the-screen$/m)
  first.socket.terminate()
  const second = await shellOf(port, id, { query: { session } })
  expect(await second.told('session')).toEqual({ type: 'session', session, resumed: true })
  await second.shows(/^on-the-screen$/m)
  second.type('echo it is $mine\n')
  await second.shows(/^it is kept$/m)
})

test('a client that comes back while a program has the other screen sees that one', async () => {
  const { id, port } = await up()
  const first = await shellOf(port, id)
  const { session } = await first.told('session')
  first.type(
    'printf "before-it\\n"; printf "\\033[?1049h\\033[2J\\033[5;9Hin-the-other\\033[?25l"; read line; printf "\\033[?1049l"\n',
  )
  await first.shows(/in-the-other/)
  first.socket.terminate()
  const second = await shellOf(port, id, { query: { session } })
  await second.shows(/^ {8}in-the-other$/m)
  expect(second.screen()).toBe('alternate')
  expect(second.written()).toContain('\u001b[?25l')
  second.type('\n')
  await second.shows(/^before-it$/m)
  expect(second.screen()).toBe('normal')
})

test('a second client takes the session over, and the first is told', async () => {
  const { id, port } = await up()
  const first = await shellOf(port, id)
  const { session } = await first.told('session')
  const second = await shellOf(port, id, { query: { session } })
  expect((await first.closed).code).toBe(4409)
  expect(first.notices.at(-1)).toEqual({ type: 'taken-over' })
  second.type('echo $((6*7))\n')
  await second.shows(/^42$/m)
})

test('a shell that ended while nobody looked tells its end to who comes back, once', async () => {
  const { id, port } = await up()
  const first = await shellOf(port, id)
  const { session } = await first.told('session')
  first.type('trap "" HUP; read wait; echo gone-by; exit 3\n')
  await first.shows(/exit 3$/m)
  first.type('\n')
  first.socket.terminate()
  const second = await shellOf(port, id, { query: { session } })
  await second.shows(/^gone-by$/m)
  expect(await second.told('ended')).toEqual({ type: 'ended', exit_code: 3 })
  expect(await refusalOf(port, id, { query: { session } })).toMatchObject({
    status: 404,
    body: { code: 'shell-not-found' },
  })
})

test('a shell that nobody comes back to is hung up', async () => {
  const { id, port } = await up({ shellTimes: { keptMs: 1 } })
  const other = await shellOf(port, id)
  const shell = await shellOf(port, id)
  shell.type('trap "touch hung-up; exit" HUP; echo rea""dy; while :; do sleep 0.01; done\n')
  await shell.shows(/ready/)
  shell.socket.terminate()
  other.type('until [ -e hung-up ]; do sleep 0.01; done; echo se""en\n')
  await other.shows(/seen/)
})

test('a client that closes with 1000 has its shell hung up at once', async () => {
  const { id, port } = await up()
  const other = await shellOf(port, id)
  const shell = await shellOf(port, id)
  shell.type('trap "touch hung-up; exit" HUP; echo rea""dy; while :; do sleep 0.01; done\n')
  await shell.shows(/ready/)
  shell.socket.close(1000)
  other.type('until [ -e hung-up ]; do sleep 0.01; done; echo se""en\n')
  await other.shows(/seen/)
})

test('a shell that does not care for being hung up is killed', async () => {
  const { id, port } = await up({ shellTimes: { hangUpMs: 1 } })
  const other = await shellOf(port, id)
  const shell = await shellOf(port, id)
  shell.type('trap "" HUP; echo $$ > stubborn; echo rea""dy; while :; do sleep 0.01; done\n')
  await shell.shows(/ready/)
  shell.socket.close(1000)
  other.type('while kill -0 $(cat stubborn) 2>/dev/null; do sleep 0.01; done; echo se""en\n')
  await other.shows(/seen/)
})

test('a client that reads nothing is dropped, and its shell goes on', async () => {
  const { id, port } = await up({ shellTimes: { patienceMs: 20 } })
  const shell = await shellOf(port, id)
  const { session } = await shell.told('session')
  shell.type('head -c 30000000 /dev/zero | tr "\\\\0" x; echo; echo all-of-it > passed; echo do""ne\n')
  shell.socket.pause()
  const other = await shellOf(port, id)
  other.type('until [ -e passed ]; do sleep 0.01; done; echo se""en\n')
  await other.shows(/seen/)
  shell.socket.resume()
  expect((await shell.closed).code).toBe(1006)
  const again = await shellOf(port, id, { query: { session } })
  await again.shows(/^done$/m)
}, 60_000)

test('a workspace that is stopped ends its shells, and that is why', async () => {
  const { ask, id, port } = await up()
  const shell = await shellOf(port, id)
  const { session } = await shell.told('session')
  shell.type('echo rea""dy\n')
  await shell.shows(/ready/)
  await ask('POST', `/api/v1/workspaces/${id}/stop`)
  expect(await shell.told('ended')).toEqual({ type: 'ended', error: 'The workspace was stopped.' })
  expect(await refusalOf(port, id, { query: { session } })).toMatchObject({
    status: 409,
    body: { code: 'refused-in-state' },
  })
})

test('a text frame that is no request closes the connection with 1003, one that is too large with 1009', async () => {
  const { id, port } = await up()
  for (const text of ['no JSON', '{"type":"resize","columns":0,"rows":5}', '{"type":"shout"}']) {
    const shell = await shellOf(port, id)
    shell.socket.send(text)
    expect(await shell.closed, text).toMatchObject({ code: 1003, reason: expect.stringContaining('resize') })
  }
  const shell = await shellOf(port, id)
  shell.socket.send(Buffer.alloc(1024 * 1024 + 1))
  expect((await shell.closed).code).toBe(1009)
})

test('shells are refused in words before they are a WebSocket', async () => {
  const { ask, make, until, id, port } = await up()
  const alices = { 'x-user': 'alice' }
  const shell = `/api/v1/workspaces/${id}/shell`
  expect(await refusalOf(port, id, { headers: {} })).toMatchObject({ status: 401 })
  expect(await refusalOf(port, id, { headers: { 'x-user': 'bob' } })).toMatchObject({
    status: 404,
    body: { code: 'workspace-not-found' },
  })
  expect(await refusalOf(port, id, { query: { session: nobody } })).toMatchObject({
    status: 404,
    body: { code: 'shell-not-found' },
  })
  expect(await refusalOf(port, id, { query: { columns: '0' } })).toMatchObject({
    status: 400,
    body: { code: 'invalid' },
  })
  for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${port + 1}`])
    expect(await refusalOf(port, id, { headers: { ...alices, origin } }), origin).toMatchObject({
      status: 400,
      body: { code: 'origin-not-allowed' },
    })
  const own = await shellOf(port, id, { headers: { ...alices, origin: `http://127.0.0.1:${port}` } })
  own.socket.terminate()
  const plain = await ask('GET', shell)
  expect([plain.statusCode, plain.headers['upgrade'], plain.json()]).toMatchObject([
    426,
    'websocket',
    { code: 'upgrade-required' },
  ])
  const { id: stopped } = await make({ name: 'stopped' })
  await until(stopped, ({ status }) => status === 'running')
  await ask('POST', `/api/v1/workspaces/${stopped}/stop`)
  await until(stopped, ({ status }) => status === 'stopped')
  expect(await refusalOf(port, stopped)).toMatchObject({
    status: 409,
    body: { code: 'refused-in-state', state: 'stopped.idle' },
  })
})

test('behind a proxy a page of another origin opens no shell either', async () => {
  const { listen } = await openWorld({ auth: { mode: 'proxy' } })
  const headers = { 'x-vm-user': 'alice', origin: 'https://evil.example' }
  expect(await refusalOf(await listen(), nobody, { headers })).toMatchObject({
    status: 400,
    body: { code: 'origin-not-allowed' },
  })
})

test('a workspace has 32 shells at a time, and no more', async () => {
  const { id, port } = await up()
  const shells = await Promise.all(Array.from({ length: 32 }, () => shellOf(port, id)))
  expect(await refusalOf(port, id)).toMatchObject({ status: 429, body: { code: 'too-many-runs' } })
  const [one] = shells
  one?.type('exit\n')
  await one?.closed
  await shellOf(port, id)
}, 30_000)

test('a service that ends hangs its shells up, and tells who looks', async () => {
  const { app, id, port } = await up()
  const shell = await shellOf(port, id)
  shell.type('echo rea""dy\n')
  await shell.shows(/ready/)
  await app.close()
  expect((await shell.closed).code).toBe(1001)
})
