import { beforeAll, expect, test } from 'vitest'
import type { InjectOverrides, TestServer } from '../test-server.ts'
import { createTestServer, openTestServer } from '../test-server.ts'

const list = '/api/v1/workspaces'
type Headers = NonNullable<InjectOverrides['headers']>

test.each<readonly [string, Headers]>([
  ['no user header', { 'x-user': undefined }],
  ['an empty one', { 'x-user': '' }],
  ['one of blanks', { 'x-user': '   ' }],
  ['one with a comma', { 'x-user': 'alice,bob' }],
  ['one beyond ASCII', { 'x-user': 'alicé' }],
  ['one with a tab', { 'x-user': 'ali\tce' }],
  ['one with a DEL', { 'x-user': 'alice\u007f' }],
  ['one of 129 characters', { 'x-user': 'a'.repeat(129) }],
  ['an empty first one before a good one', { 'x-vm-user': '', 'x-forwarded-user': 'alice', 'x-user': 'alice' }],
  ['a bad second one before a good one', { 'x-forwarded-user': 'a,b', 'x-user': 'alice' }],
])('a request with %s is not authenticated', async (_label, headers) => {
  const testServer = await openTestServer()
  for (const [method, path] of [
    ['GET', list],
    ['POST', list],
    ['GET', `${list}/x`],
    ['GET', '/api/v1/templates'],
  ] as const) {
    const response = await testServer.inject(method, path, {
      headers,
      ...(method === 'POST' && { body: { name: 'x' } }),
    })
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([401, 'unauthenticated'])
  }
  expect(testServer.count('workspaces')).toBe(0)
})

test.each<readonly [string, Record<string, string>, string]>([
  ['x-user', { 'x-user': 'alice' }, 'alice'],
  ['128 characters', { 'x-user': 'a'.repeat(128) }, 'a'.repeat(128)],
  [
    'every character that is allowed',
    { 'x-user': `!"#$%&'()*+-./:;<=>?@[\\]^_\`{|}~ z` },
    `!"#$%&'()*+-./:;<=>?@[\\]^_\`{|}~ z`,
  ],
  ['X-Forwarded-User before x-user', { 'x-forwarded-user': 'bob', 'x-user': 'alice' }, 'bob'],
  ['X-VM-User before all', { 'x-vm-user': 'carol', 'x-forwarded-user': 'bob', 'x-user': 'alice' }, 'carol'],
])('the user is read from %s', async (_label, headers, owner) => {
  const testServer = await openTestServer()
  expect((await testServer.createWorkspace({ name: 'x', owner: 'eve' }, headers))['owner']).toBe(owner)
})

test.each([
  '/health',
  '/health/ready',
  '/openapi.json',
  '/docs',
  '/docs/',
  '/docs/json',
  '/docs/static/swagger-ui.css',
])('%s needs no user header', async (path) => {
  const testServer = await openTestServer()
  expect((await testServer.inject('GET', path, { headers: { 'x-user': undefined } })).statusCode).toBe(200)
})

test('the name of an object property is an ordinary user name', async () => {
  const testServer = await openTestServer()
  const headers = { 'x-user': '__proto__' }
  await testServer.createWorkspace({ name: 'x' }, headers)
  expect((await testServer.inject('GET', list, { headers })).json()).toHaveLength(1)
  expect((await testServer.inject('GET', list, { headers: { 'x-user': 'constructor' } })).json()).toEqual([])
})

const hosts: readonly (readonly [Headers, number])[] = [
  [{ host: 'localhost' }, 200],
  [{ host: 'LOCALHOST:3000' }, 200],
  [{ host: '127.0.0.1:3000' }, 200],
  [{ host: '[::1]:3000' }, 200],
  [{ host: '127.0.0.7:80' }, 200],
  [{ host: 'localhost:3000', origin: 'http://localhost:3000' }, 200],
  [{ host: '[::1]:3000', origin: 'http://[::1]:3000' }, 200],
  [{ host: 'localhost:3000', 'sec-fetch-site': 'cross-site' }, 200], // a followed link
  [{ host: 'evil.example' }, 400],
  [{ host: 'localhost.evil.example' }, 400],
  [{ host: 'evil.example:3000' }, 400],
  [{ host: '127.0.0.1.nip.io' }, 400],
  [{ host: 'localhost.' }, 400],
  [{ host: 'localhost@evil.example' }, 400],
  [{ host: 'evil.example#localhost' }, 400],
  [{ host: '127.0.0.1:3000:80' }, 400],
  [{ host: '::1' }, 400],
  [{ host: '[::1' }, 400],
  [{ host: '[::2]' }, 400],
  [{ host: '0.0.0.0:3000' }, 400],
  [{ host: '2130706433' }, 400],
  [{ host: 'localhost:3000', origin: 'http://localhost:8080' }, 400],
  [{ host: 'localhost:3000', origin: 'http://evil.example' }, 400],
  [{ host: 'localhost:3000', origin: 'null' }, 400],
  [{ host: 'localhost:3000', origin: '' }, 400],
]

let bound: TestServer
beforeAll(async () => {
  bound = await createTestServer({ boundHost: '127.0.0.7' })
  return bound.close
})

test.each(hosts)('in dev mode a request with %j is answered with %i', async (headers, status) => {
  const testServer = bound // the requests change nothing
  expect((await testServer.inject('GET', list, { headers })).statusCode).toBe(status)
  expect((await testServer.inject('GET', '/health', { headers })).statusCode).toBe(status)
  expect((await testServer.inject('GET', '/docs/', { headers })).statusCode).toBe(status)
})

test.each(['dev', 'proxy'] as const)('in %s mode no page of another site changes anything', async (mode) => {
  const testServer = await openTestServer({ auth: { mode } })
  const { id } = await testServer.createWorkspace({ name: 'x' }, { 'x-vm-user': 'alice' })
  for (const site of ['cross-site', 'same-site'])
    for (const [method, path] of [
      ['POST', list],
      ['DELETE', `${list}/${id}`],
      ['POST', `${list}/${id}/stop`],
      ['PATCH', `${list}/${id}`],
    ] as const) {
      const response = await testServer.inject(method, path, {
        headers: { 'x-vm-user': 'alice', 'sec-fetch-site': site },
      })
      expect(response.json<{ code: string }>().code).toBe('origin-not-allowed')
    }
  for (const site of ['same-origin', 'none'])
    expect(
      (
        await testServer.inject('PATCH', `${list}/${id}`, {
          headers: { 'x-vm-user': 'alice', 'sec-fetch-site': site },
          body: { metadata: null },
        })
      ).statusCode,
    ).toBe(200)
})

const secret = 's3cret'
test.each<readonly [string, string, Headers, number]>([
  ['a trusted proxy with the secret', '10.0.0.1', { 'x-vm-user': 'alice', 'x-vm-proxy-secret': secret }, 200],
  [
    'a trusted proxy that sends X-Forwarded-User',
    '10.0.0.1',
    { 'x-forwarded-user': 'alice', 'x-vm-proxy-secret': secret },
    200,
  ],
  ['an address that is not trusted', '10.0.0.2', { 'x-vm-user': 'alice', 'x-vm-proxy-secret': secret }, 401],
  ['a proxy without the secret', '10.0.0.1', { 'x-vm-user': 'alice' }, 401],
  ['a proxy with an empty secret', '10.0.0.1', { 'x-vm-user': 'alice', 'x-vm-proxy-secret': '' }, 401],
  ['a proxy with a wrong secret', '10.0.0.1', { 'x-vm-user': 'alice', 'x-vm-proxy-secret': `${secret}x` }, 401],
  [
    'a proxy with the secret twice',
    '10.0.0.1',
    { 'x-vm-user': 'alice', 'x-vm-proxy-secret': `${secret}, ${secret}` },
    401,
  ],
  ['a proxy that names no user', '10.0.0.1', { 'x-vm-proxy-secret': secret }, 401],
  ['a client that sends x-user', '10.0.0.1', { 'x-user': 'alice', 'x-vm-proxy-secret': secret }, 401],
  [
    'a client that sends X-Forwarded-For',
    '10.0.0.2',
    { 'x-vm-user': 'alice', 'x-vm-proxy-secret': secret, 'x-forwarded-for': '10.0.0.1' },
    401,
  ],
])('in proxy mode %s (from %s) is authenticated or rejected', async (_label, from, headers, status) => {
  const testServer = await openTestServer({
    auth: { mode: 'proxy', isTrustedProxy: (address) => address === '10.0.0.1', proxySecret: secret },
  })
  const response = await testServer.inject('GET', list, {
    from,
    headers: { 'x-user': undefined, host: 'vm.example', ...headers },
  })
  expect(response.statusCode).toBe(status)
})

test('credentials are never logged', async () => {
  const testServer = await openTestServer({ auth: { mode: 'proxy', proxySecret: secret } })
  const headers = {
    'x-vm-user': 'alice-in-the-log',
    'x-vm-proxy-secret': secret,
    cookie: 'session=c00kie',
    authorization: 'Bearer t0ken',
  }
  await testServer.inject('GET', list, { headers })
  await testServer.inject('GET', list, { headers: { ...headers, 'x-vm-proxy-secret': 'wr0ng' } })
  await testServer.inject('GET', '/%zz', { headers })
  expect(testServer.logged.join('')).not.toMatch(/s3cret|wr0ng|c00kie|t0ken|alice-in-the-log/)
  expect(testServer.logged.join('')).toContain('request completed')
})
