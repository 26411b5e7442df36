import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLogger } from '../../src/logger.ts'
import type { Log } from '../../src/workspace/log.ts'

function capturedLog(level: string) {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const log: Log = createLogger(level, sink)
  return { log, line: (): unknown => JSON.parse(lines.join('')), text: () => lines.join('') }
}

test('a line is JSON with a level name and a UTC time', () => {
  const { log, line } = capturedLog('info')
  log.info({ id: 'w1' }, 'created')
  expect(line()).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    id: 'w1',
    msg: 'created',
  })
})

test('a line below the level is not logged', () => {
  const { log, text } = capturedLog('warn')
  log.info({}, 'created')
  log.debug({}, 'inspected')
  expect(text()).toBe('')
})

test.each([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-user',
  'x-vm-user',
  'x-forwarded-user',
  'x-vm-proxy-secret',
])('the header %s is never logged', (header) => {
  const headers = { [header]: 'hunter2', host: 'localhost' }
  const { log, text } = capturedLog('info')
  log.info({ headers, req: { headers }, res: { headers }, request: { headers } }, 'request')
  expect(text()).not.toContain('hunter2')
  expect(text()).toContain('localhost')
})

test('an error is logged with its causes, and without its other fields', () => {
  const engine = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED', request: { token: 'hunter2' } })
  const { log, line, text } = capturedLog('info')
  log.error({ err: new Error('no container', { cause: new AggregateError([engine, 'plain'], 'both ways') }) }, 'failed')
  expect(line()).toMatchObject({
    err: {
      type: 'Error',
      message: 'no container',
      stack: expect.stringContaining('log.live.test.ts'),
      cause: {
        message: 'both ways',
        errors: [
          { message: 'connect refused', code: 'ECONNREFUSED' },
          { type: 'string', message: 'plain' },
        ],
      },
    },
  })
  expect(text()).not.toContain('hunter2')
})

test('an error that is its own cause is logged', () => {
  const ring = new Error('ring')
  ring.cause = ring
  const { log, line } = capturedLog('info')
  log.error({ err: ring }, 'failed')
  expect(line()).toMatchObject({ err: { cause: { cause: { message: 'ring' } } } })
})
