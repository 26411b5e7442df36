import { expect, test } from 'vitest'
import { answerIn, openRaw } from './raw.ts'
import { openWorld } from './world.ts'

const list = '/api/v1/workspaces'
const from = 'Host: localhost\r\nx-user: alice\r\n'

/** A close that is still waiting after this long waits for somebody. */
const soonMs = 2_000

async function closing(close: () => PromiseLike<void>): Promise<number> {
  const begun = performance.now()
  await close()
  return performance.now() - begun
}

/** Polled: that a close has begun shows in nothing but its refusals. */
async function firstRefusal(port: number): Promise<ReturnType<typeof answerIn>> {
  const raw = await openRaw(port)
  raw.send(`GET /health HTTP/1.1\r\n${from}Connection: close\r\n\r\n`)
  const answer = answerIn(await raw.all())
  return answer.status === 200 ? firstRefusal(port) : answer
}

test('a close ends connections that rest, and those that have sent nothing or half a request', async () => {
  const { app, listen } = await openWorld()
  const port = await listen()
  const [rests, silent, header, body] = [
    await openRaw(port),
    await openRaw(port),
    await openRaw(port),
    await openRaw(port),
  ]
  rests.send(`GET /health HTTP/1.1\r\n${from}\r\n`)
  await rests.until('"version"')
  header.send('GET /health HTTP/1.1\r\nHost: loc')
  body.send(`POST ${list} HTTP/1.1\r\n${from}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name"`)
  // Their first bytes have to have arrived: one more round trip on another connection is behind them.
  rests.send(`GET /health/ready HTTP/1.1\r\n${from}\r\n`)
  await rests.until('"ready"')
  expect(await closing(() => app.close())).toBeLessThan(soonMs)
  await Promise.all([rests.all(), silent.all(), header.all(), body.all()])
})

test('a close waits for the request that is under way, and refuses others meanwhile', async () => {
  const { app, engine, listen, make, until } = await openWorld()
  const port = await listen()
  const { id } = await make()
  await until(id, ({ status }) => status === 'running')
  let release = () => {}
  engine.before('remove', () => new Promise((resolve) => (release = () => resolve(undefined))))
  const deletion = await openRaw(port)
  const other = await openRaw(port)
  deletion.send(`DELETE ${list}/${id} HTTP/1.1\r\n${from}\r\n`)
  await until(id, ({ status }) => status === 'deleting')
  const closed = closing(() => app.close())
  const refused = await firstRefusal(port)
  expect([refused.status, JSON.parse(refused.body)]).toEqual([
    503,
    { error: expect.any(String), code: 'shutting-down' },
  ])
  expect(refused.headers).toMatch(/^retry-after: 5$/im)
  release()
  const { status, body, headers } = answerIn(await deletion.all())
  expect([status, body]).toEqual([200, '{"message":"Workspace deleted"}'])
  expect(headers).toMatch(/^connection: close$/im)
  expect(await closed).toBeLessThan(soonMs)
  await other.all()
})

test('a close leaves the workspaces as they are', async () => {
  const { app, engine, make, supervisor, until } = await openWorld()
  const { id } = await make()
  await until(id, ({ status }) => status === 'running')
  await app.close()
  await supervisor.close()
  expect([...engine.containers.values()].map(({ state }) => state.kind)).toEqual(['running'])
  expect(engine.calls.filter(({ verb }) => verb === 'halt' || verb === 'remove')).toEqual([])
})
