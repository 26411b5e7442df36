import { rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import type { World } from './world.ts'
import { openWorld } from './world.ts'

const anybody = { headers: { 'x-user': undefined } }

/** Polled: whether the engine answers is told to the service of its own accord. */
async function readiness({ ask }: World, status: number): Promise<object> {
  const answer = await ask('GET', '/health/ready', anybody)
  if (answer.statusCode === status) return answer.json<object>()
  await new Promise((resolve) => setTimeout(resolve, 2))
  return readiness({ ask } as World, status)
}

test('health says that the service lives, and its version', async () => {
  const { ask, engine } = await openWorld()
  engine.leave()
  expect((await ask('GET', '/health', anybody)).json()).toEqual({ status: 'ok', service: 'vm-api', version: '1.2.3' })
})

test('readiness names the engine while it is away, and is ready when it is back', async () => {
  const world = await openWorld()
  expect(await readiness(world, 200)).toEqual({ status: 'ready', database: 'connected', provider: 'connected' })
  world.engine.leave()
  expect(await readiness(world, 503)).toEqual({
    status: 'not_ready',
    database: 'connected',
    provider: 'disconnected',
    error: 'Provider: The fake engine is away. Call comeBack().',
    code: 'not-ready',
  })
  world.engine.comeBack()
  await readiness(world, 200)
})

test('behind a proxy readiness says nothing of where the engine is', async () => {
  const world = await openWorld({ auth: { mode: 'proxy' } })
  world.engine.leave()
  expect(await readiness(world, 503)).toMatchObject({
    error: 'Provider: the engine does not answer; the log says why.',
  })
})

test.each([
  ['removed', (file: string) => rmSync(file)],
  [
    'replaced',
    (file: string) => {
      const { ino } = statSync(file)
      // Until it is another file: a number that was just given back may be given out again.
      do {
        rmSync(file)
        writeFileSync(`${file}.${Math.random()}`, '')
        writeFileSync(file, '')
      } while (statSync(file).ino === ino)
    },
  ],
])('readiness names the database when its file was %s, without saying where it is', async (_what, harm) => {
  const world = await openWorld()
  await readiness(world, 200)
  harm(world.database.path)
  const answer = await readiness(world, 503)
  expect(answer).toEqual({
    status: 'not_ready',
    database: 'disconnected',
    provider: 'connected',
    error: 'Database: its file was removed or replaced while the service was running: restart the service',
    code: 'not-ready',
  })
  expect(JSON.stringify(answer)).not.toContain(dirname(world.database.path))
})
