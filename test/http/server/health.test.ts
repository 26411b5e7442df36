import { rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import type { TestServer } from '../test-server.ts'
import { openTestServer } from '../test-server.ts'

const anonymous = { headers: { 'x-user': undefined } }

/** Polls: the service learns asynchronously whether the engine responds. */
async function readiness({ inject }: Pick<TestServer, 'inject'>, status: number): Promise<object> {
  const response = await inject('GET', '/health/ready', anonymous)
  if (response.statusCode === status) return response.json<object>()
  await new Promise((resolve) => setTimeout(resolve, 2))
  return readiness({ inject }, status)
}

test('health reports that the service is alive, and its version', async () => {
  const { inject, engine } = await openTestServer()
  engine.disconnect()
  expect((await inject('GET', '/health', anonymous)).json()).toEqual({
    status: 'ok',
    service: 'vm-api',
    version: '1.2.3',
  })
})

test('readiness reports a disconnected engine, and recovers when the engine is back', async () => {
  const testServer = await openTestServer()
  expect(await readiness(testServer, 200)).toEqual({ status: 'ready', database: 'connected', provider: 'connected' })
  testServer.engine.disconnect()
  expect(await readiness(testServer, 503)).toEqual({
    status: 'not_ready',
    database: 'connected',
    provider: 'disconnected',
    error: 'Provider: The fake engine is disconnected. Call reconnect().',
    code: 'not-ready',
  })
  testServer.engine.reconnect()
  await readiness(testServer, 200)
})

test('behind a proxy, readiness does not reveal the address of the engine', async () => {
  const testServer = await openTestServer({ auth: { mode: 'proxy' } })
  testServer.engine.disconnect()
  expect(await readiness(testServer, 503)).toMatchObject({
    error: 'Provider: the engine does not respond; the log has the reason.',
  })
})

test.each([
  ['removed', (file: string) => rmSync(file)],
  [
    'replaced',
    (file: string) => {
      const { ino } = statSync(file)
      // Until the inode differs: the file system may reuse a number that was just freed.
      do {
        rmSync(file)
        writeFileSync(`${file}.${Math.random()}`, '')
        writeFileSync(file, '')
      } while (statSync(file).ino === ino)
    },
  ],
])('readiness reports the database when its file was %s, without revealing its path', async (_label, damage) => {
  const testServer = await openTestServer()
  await readiness(testServer, 200)
  damage(testServer.database.path)
  const response = await readiness(testServer, 503)
  expect(response).toEqual({
    status: 'not_ready',
    database: 'disconnected',
    provider: 'connected',
    error: 'Database: its file was removed or replaced while the service was running: restart the service',
    code: 'not-ready',
  })
  expect(JSON.stringify(response)).not.toContain(dirname(testServer.database.path))
})
