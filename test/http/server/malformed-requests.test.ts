import { beforeAll, expect, test } from 'vitest'
import { errorResponseSchema } from '../../../src/wire/error-response.ts'
import { lastResponseIn, openRawConnection } from '../raw-connection.ts'
import type { TestServer } from '../test-server.ts'
import { createTestServer } from '../test-server.ts'

let testServer: TestServer
let port: number
beforeAll(async () => {
  testServer = await createTestServer()
  port = await testServer.listen()
  return testServer.close
})

const list = '/api/v1/workspaces'
const from = 'Host: localhost\r\nx-user: alice\r\n'
const json = `${from}Content-Type: application/json\r\n`
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))))

const cases: readonly (readonly [what: string, sent: string | Uint8Array, status: number, code: string])[] = [
  ['words', 'hello\r\n\r\n', 400, 'malformed-request'],
  ['a TLS greeting', bytes([0x16, 3, 1, 0, 0xa5, 1, 0, 0, 0xa1, 3, 3]), 400, 'malformed-request'],
  ['a HTTP/2 greeting', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed-request'],
  ['an unknown method', `FOO ${list} HTTP/1.1\r\n${from}\r\n`, 400, 'malformed-request'],
  ['a method that it does not take', `PROPFIND ${list} HTTP/1.1\r\n${from}\r\n`, 405, 'method-not-allowed'],
  ['TRACE', `TRACE ${list} HTTP/1.1\r\n${from}\r\n`, 405, 'method-not-allowed'],
  ['CONNECT', `CONNECT evil.example:80 HTTP/1.1\r\n${from}\r\n`, 400, 'malformed-request'],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${from}\r\n`, 404, 'route-not-found'],
  ['a path with a blank', `GET ${list} x HTTP/1.1\r\n${from}\r\n`, 400, 'malformed-request'],
  ['a path in another encoding', bytes(`GET ${list}/`, [0xe9], ` HTTP/1.1\r\n${from}\r\n`), 400, 'malformed-request'],
  ['no Host', `GET ${list} HTTP/1.1\r\nx-user: alice\r\n\r\n`, 400, 'host-not-allowed'],
  ['an empty Host', `GET ${list} HTTP/1.1\r\nHost:\r\nx-user: alice\r\n\r\n`, 400, 'host-not-allowed'],
  ['no Host in HTTP/1.0', `GET ${list} HTTP/1.0\r\nx-user: alice\r\n\r\n`, 400, 'host-not-allowed'],
  ['a foreign Host first', `GET ${list} HTTP/1.1\r\nHost: evil.example\r\n${from}\r\n`, 400, 'host-not-allowed'],
  [
    'a user beyond ASCII',
    bytes(`GET ${list} HTTP/1.1\r\nHost: localhost\r\nx-user: alic`, [0xe9], '\r\n\r\n'),
    401,
    'unauthenticated',
  ],
  ['a user twice', `GET ${list} HTTP/1.1\r\n${from}X-USER: alice\r\n\r\n`, 401, 'unauthenticated'],
  ['an empty user', `GET ${list} HTTP/1.1\r\nHost: localhost\r\nx-user:   \r\n\r\n`, 401, 'unauthenticated'],
  [
    'a user with a control character',
    `GET ${list} HTTP/1.1\r\nHost: localhost\r\nx-user: al\u0001ice\r\n\r\n`,
    400,
    'malformed-request',
  ],
  [
    'a user on two lines',
    `GET ${list} HTTP/1.1\r\nHost: localhost\r\nx-user: al\r\n ice\r\n\r\n`,
    400,
    'malformed-request',
  ],
  ['bare line feeds', `GET ${list} HTTP/1.1\nHost: localhost\nx-user: alice\n\n`, 400, 'malformed-request'],
  ['headers of 20 kB', `GET ${list} HTTP/1.1\r\n${from}a: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ['a path of 20 kB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${from}\r\n`, 431, 'headers-too-large'],
  [
    'a length and chunks',
    `POST ${list} HTTP/1.1\r\n${json}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'malformed-request',
  ],
  [
    'two lengths',
    `POST ${list} HTTP/1.1\r\n${json}Content-Length: 12\r\nContent-Length: 13\r\n\r\n{"name":"x"}`,
    400,
    'malformed-request',
  ],
  ['a negative length', `POST ${list} HTTP/1.1\r\n${json}Content-Length: -1\r\n\r\n`, 400, 'malformed-request'],
  [
    'a coding that is hidden',
    `POST ${list} HTTP/1.1\r\n${json}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    400,
    'malformed-request',
  ],
  [
    'a coding that is unknown',
    `POST ${list} HTTP/1.1\r\n${json}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    400,
    'malformed-request',
  ],
  [
    'a chunk that is none',
    `POST ${list} HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    400,
    'malformed-request',
  ],
  [
    'a body announced above 1 MiB',
    `POST ${list} HTTP/1.1\r\n${json}Content-Length: 2000000\r\n\r\n{`,
    413,
    'body-too-large',
  ],
  [
    'chunks above 1 MiB',
    `POST ${list} HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\n100001\r\n${'x'.repeat(0x100001)}\r\n0\r\n\r\n`,
    413,
    'body-too-large',
  ],
  [
    'bytes that are no UTF-8',
    bytes(
      `POST ${list} HTTP/1.1\r\n${json}Content-Length: 35\r\n\r\n{"name":"x1","metadata":{"a":"`,
      [0xff, 0xfe],
      '"}}',
    ),
    400,
    'malformed-json',
  ],
  [
    'a form in chunks',
    `POST ${list} HTTP/1.1\r\n${from}Content-Type: x/y\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na=bc\r\n0\r\n\r\n`,
    415,
    'unsupported-media-type',
  ],
  [
    'an unknown expectation',
    `POST ${list} HTTP/1.1\r\n${json}Expect: the-best\r\nContent-Length: 2\r\n\r\n{}`,
    400,
    'invalid',
  ],
]

test.each(cases.map(([label, sent, status, code]) => ({ what: label, sent, status, code })))(
  '$what on the wire gets $status $code as JSON and creates nothing',
  async ({ sent, status, code }) => {
    const raw = await openRawConnection(port)
    raw.send(sent)
    const { status: received, headers, body } = lastResponseIn(await raw.waitFor('}'))
    expect([received, errorResponseSchema.parse(JSON.parse(body)).code]).toEqual([status, code])
    expect(headers).toMatch(/content-type: application\/json/i)
    expect([testServer.count('workspaces'), testServer.count('journal')]).toEqual([0, 0])
  },
)

test('a request after a rejected one is not read as its body', async () => {
  const raw = await openRawConnection(port)
  raw.send(`POST ${list} HTTP/1.1\r\n${from}Content-Type: text/plain\r\nContent-Length: 60\r\n\r\n`)
  raw.send(`GET /health HTTP/1.1\r\n${from}\r\n`.padEnd(60, ' '))
  expect((await raw.receiveAll()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 415'])
})

test('two requests on one connection are answered in order', async () => {
  const raw = await openRawConnection(port)
  raw.send(`GET /health HTTP/1.1\r\n${from}\r\nGET /nope HTTP/1.1\r\n${from}Connection: close\r\n\r\n`)
  expect((await raw.receiveAll()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404'])
})

/** Numbers from 0 to 1, the same ones each time (mulberry32). */
function randomFrom(seed: number) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test('no randomly garbled request causes an internal error', async () => {
  const random = randomFrom(20250116)
  const pick = <T>(from: readonly [T, ...T[]]): T => from[Math.floor(random() * from.length)] ?? from[0]
  const body = '{"name":"n","ttl_seconds":60,"metadata":{"a":[1,null,{"b":"c"}]}}'
  const oddBytes = [
    '"',
    '{',
    '[',
    '\\u0000',
    '1e999',
    '-',
    '\u0000',
    '%',
    '../',
    'null',
    '💥',
    '9'.repeat(40),
    '__proto__',
  ] as const
  for (let round = 0; round < 1500; round += 1) {
    const at = Math.floor(random() * body.length)
    const garble = body.slice(0, at) + pick(oddBytes) + body.slice(at + Math.floor(random() * 4))
    const path = pick([
      list,
      `${list}/${pick(oddBytes)}`,
      `${list}?${pick(['limit', 'cursor', 'name', 'owner'])}=${pick(oddBytes)}`,
      `/${pick(oddBytes)}`,
    ])
    const { statusCode } = await testServer.inject(pick(['GET', 'POST', 'PATCH', 'DELETE']), encodeURI(path), {
      body: garble,
      headers: { 'idempotency-key': pick([undefined, 'k', pick(oddBytes).replaceAll(/[^!-~]/g, '?')]) },
    })
    expect(statusCode, `${path} ${garble}`).toBeLessThan(500)
  }
  for (const { id } of (await testServer.inject('GET', list)).json<{ id: string }[]>())
    await testServer.inject('DELETE', `${list}/${id}`)
})
