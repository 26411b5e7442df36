import { beforeAll, expect, test } from 'vitest'
import { problems } from '../../../src/http/presenters/problem-table.ts'
import type { InjectOverrides, TestServer } from '../test-server.ts'
import { createTestServer, openTestServer } from '../test-server.ts'

// One server for all requests: the tests check that rejected requests leave nothing behind.
let testServer: TestServer
beforeAll(async () => {
  testServer = await createTestServer()
  return testServer.close
})

const list = '/api/v1/workspaces'
const unknownId = '550e8400-e29b-41d4-a716-446655440000'
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

type RefusalCase = readonly [
  what: string,
  body: unknown,
  status: number,
  code: string,
  headers?: NonNullable<InjectOverrides['headers']>,
]

const name = (value: unknown): unknown => ({ name: value })
const ttl = (value: unknown): unknown => ({ name: 'x', ttl_seconds: value })

const creates: readonly RefusalCase[] = [
  ['no body', undefined, 400, 'invalid'],
  ['an empty body', '', 400, 'invalid'],
  ['a body of blanks', ' ', 400, 'malformed-json'],
  ['broken JSON', '{"name":', 400, 'malformed-json'],
  ['two JSON values', '{"name":"x"}{}', 400, 'malformed-json'],
  ['an array', '[]', 400, 'invalid'],
  ['a string', '"x"', 400, 'invalid'],
  ['null', 'null', 400, 'invalid'],
  ['no name', {}, 400, 'invalid'],
  ['a name that is null', name(null), 400, 'invalid'],
  ['a name that is a number', name(7), 400, 'invalid'],
  ['a name that is a list', name(['x']), 400, 'invalid'],
  ['an empty name', name(''), 400, 'invalid'],
  ['a name of 64 characters', name('a'.repeat(64)), 400, 'invalid'],
  ['a name with a newline', name('a\nb'), 400, 'invalid'],
  ['a name that ends with a newline', name('a\n'), 400, 'invalid'],
  ['a name with a slash', name('a/b'), 400, 'invalid'],
  ['a name that climbs', name('../etc'), 400, 'invalid'],
  ['a name of dots', name('..'), 400, 'invalid'],
  ['a name that begins with a dash', name('-rf'), 400, 'invalid'],
  ['a name with a blank', name('a b'), 400, 'invalid'],
  ['a name with markup', name('<script>alert(1)</script>'), 400, 'invalid'],
  ['a name with a shell in it', name('a;rm -rf $HOME'), 400, 'invalid'],
  ['a name with a substitution', name('$(id)'), 400, 'invalid'],
  ['a name beyond ASCII', name('näme'), 400, 'invalid'],
  ['a name with a NUL', name('a\u0000'), 400, 'invalid'],
  ['a name of lookalikes', name('аdmin'), 400, 'invalid'],
  ['an unknown template', { name: 'x', template: 'nope' }, 400, 'unknown-template'],
  ['a template that every object has', { name: 'x', template: 'constructor' }, 400, 'unknown-template'],
  ['an empty template', { name: 'x', template: '' }, 400, 'unknown-template'],
  ['a template that climbs', { name: 'x', template: '../base' }, 400, 'unknown-template'],
  ['a template that is a number', { name: 'x', template: 5 }, 400, 'invalid'],
  ['a TTL of 0', ttl(0), 400, 'invalid'],
  ['a TTL of -1', ttl(-1), 400, 'invalid'],
  ['a TTL of 1.5', ttl(1.5), 400, 'invalid'],
  ['a TTL that is a string', ttl('60'), 400, 'invalid'],
  ['a TTL of 1e30', ttl(1e30), 400, 'invalid'],
  ['a TTL beyond all numbers', '{"name":"x","ttl_seconds":1e999}', 400, 'malformed-json'],
  ['a TTL one above the most', ttl(315_360_001), 400, 'invalid'],
  ['a TTL that is true', ttl(true), 400, 'invalid'],
  ['a TTL that is a list', ttl([60]), 400, 'invalid'],
  ['metadata that are a list', { name: 'x', metadata: [] }, 400, 'invalid'],
  ['metadata that are a string', { name: 'x', metadata: 'x' }, 400, 'invalid'],
  ['metadata above 16 KiB', { name: 'x', metadata: { a: 'x'.repeat(16 * 1024) } }, 400, 'invalid'],
  ['metadata above 16 KiB in bytes', { name: 'x', metadata: { a: 'ä'.repeat(9000) } }, 400, 'invalid'],
  ['metadata with a number beyond all', '{"name":"x","metadata":{"a":-1e999}}', 400, 'malformed-json'],
  ['metadata nested 150 deep', `{"name":"x","metadata":{"a":${nested(150)}}}`, 400, 'malformed-json'],
  ['metadata nested 200 000 deep', `{"name":"x","metadata":{"a":${nested(200_000)}}}`, 400, 'malformed-json'],
  ['an unknown field nested 200 000 deep', `{"name":"x","y":${nested(200_000)}}`, 400, 'malformed-json'],
  ['a __proto__', '{"name":"x","__proto__":{"template":"go"}}', 400, 'malformed-json'],
  ['a __proto__ in metadata', '{"name":"x","metadata":{"__proto__":{"a":1}}}', 400, 'malformed-json'],
  ['a constructor with a prototype', '{"name":"x","constructor":{"prototype":{"a":1}}}', 400, 'malformed-json'],
  ['a body above 1 MiB', { name: 'x', y: 'x'.repeat(1024 * 1024) }, 413, 'body-too-large'],
  ['plain text', '{"name":"x"}', 415, 'unsupported-media-type', { 'content-type': 'text/plain' }],
  ['a form', 'name=x', 415, 'unsupported-media-type', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['no content type', '{"name":"x"}', 415, 'unsupported-media-type', { 'content-type': undefined }],
  ['an empty content type', '{"name":"x"}', 415, 'unsupported-media-type', { 'content-type': '' }],
  ['a content type that is none', '{"name":"x"}', 415, 'unsupported-media-type', { 'content-type': 'garbage' }],
  ['a compressed body', '{"name":"x"}', 415, 'unsupported-media-type', { 'content-encoding': 'gzip' }],
  ['an empty key', name('x'), 400, 'invalid', { 'idempotency-key': '' }],
  ['a key with a blank', name('x'), 400, 'invalid', { 'idempotency-key': 'a b' }],
  ['a key of 256 characters', name('x'), 400, 'invalid', { 'idempotency-key': 'k'.repeat(256) }],
  ['no user', name('x'), 401, 'unauthenticated', { 'x-user': undefined }],
  ['a foreign host', name('x'), 400, 'host-not-allowed', { host: 'evil.example' }],
  ['a foreign origin', name('x'), 400, 'origin-not-allowed', { origin: 'http://evil.example' }],
]

test.each(creates.map(([label, body, status, code, headers = {}]) => ({ what: label, body, status, code, headers })))(
  'a create request with $what is rejected and leaves nothing behind',
  async ({ body, status, code, headers }) => {
    const response = await testServer.inject('POST', list, { body, headers })
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code])
    expectNothingStored()
  },
)

test('a response about invalid fields lists each of them', async () => {
  const response = await testServer.inject('POST', list, { body: { name: '', ttl_seconds: 0, metadata: 1 } })
  expect(response.json<{ details: { field: string }[] }>().details.map(({ field }) => field)).toEqual([
    'name',
    'ttl_seconds',
    'metadata',
  ])
})

const requests: readonly (readonly [
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS',
  path: string,
  status: number,
  code: string,
  allow?: string,
])[] = [
  ['GET', '/', 404, 'route-not-found'],
  ['GET', '/api/v1', 404, 'route-not-found'],
  ['GET', '/api/v1/workspace', 404, 'route-not-found'],
  ['GET', '/API/v1/workspaces', 404, 'route-not-found'],
  ['GET', '//api/v1/workspaces', 404, 'route-not-found'],
  ['GET', '/docs/static/nope.js', 404, 'route-not-found'],
  ['GET', '/docs/static/..%2f..%2fpackage.json', 404, 'route-not-found'],
  ['GET', '/docs/static/%2e%2e/%2e%2e/package.json', 404, 'route-not-found'],
  ['POST', '/api/v1/nope', 404, 'route-not-found'],
  ['OPTIONS', '/nope', 404, 'route-not-found'],
  ['PUT', list, 405, 'method-not-allowed', 'GET, HEAD, POST'],
  ['DELETE', list, 405, 'method-not-allowed', 'GET, HEAD, POST'],
  ['OPTIONS', list, 405, 'method-not-allowed', 'GET, HEAD, POST'],
  ['POST', `${list}/${unknownId}`, 405, 'method-not-allowed', 'GET, HEAD, PATCH, DELETE'],
  ['PUT', `${list}/${unknownId}`, 405, 'method-not-allowed', 'GET, HEAD, PATCH, DELETE'],
  ['GET', `${list}/${unknownId}/start`, 405, 'method-not-allowed', 'POST'],
  ['POST', `${list}/${unknownId}/history`, 405, 'method-not-allowed', 'GET, HEAD'],
  ['POST', '/api/v1/templates', 405, 'method-not-allowed', 'GET, HEAD'],
  ['DELETE', '/health', 405, 'method-not-allowed', 'GET, HEAD'],
  ['GET', '/%zz', 400, 'malformed-request'],
  ['GET', `${list}/%`, 400, 'malformed-request'],
  ['GET', `${list}/%ff`, 400, 'malformed-request'],
  ['DELETE', `${list}/%c0%ae`, 400, 'malformed-request'],
  ['GET', `${list}/${'a'.repeat(300)}`, 414, 'uri-too-long'],
  ['DELETE', `${list}/${'a'.repeat(300)}`, 414, 'uri-too-long'],
  ['GET', `${list}/${'a'.repeat(256)}`, 404, 'workspace-not-found'],
  ['GET', `${list}/`, 404, 'workspace-not-found'],
  ['GET', `${list}/x%00y`, 404, 'workspace-not-found'],
  ['GET', `${list}/..%2f..%2fetc`, 404, 'workspace-not-found'],
  ['GET', `${list}/${unknownId}%0a`, 404, 'workspace-not-found'],
  ['GET', `${list}/__proto__`, 404, 'workspace-not-found'],
  ['GET', `${list}?limit=0`, 400, 'invalid'],
  ['GET', `${list}?limit=`, 400, 'invalid'],
  ['GET', `${list}?limit=-1`, 400, 'invalid'],
  ['GET', `${list}?limit=1.5`, 400, 'invalid'],
  ['GET', `${list}?limit=1e2`, 400, 'invalid'],
  ['GET', `${list}?limit=0x10`, 400, 'invalid'],
  ['GET', `${list}?limit=1001`, 400, 'invalid'],
  ['GET', `${list}?limit=many`, 400, 'invalid'],
  ['GET', `${list}?limit=1&limit=2`, 400, 'invalid'],
  ['GET', `${list}?cursor=`, 400, 'invalid'],
  ['GET', `${list}?cursor=zzz`, 400, 'invalid'],
  ['GET', `${list}?cursor=${Buffer.from('workspaces after -1').toString('base64url')}`, 400, 'invalid'],
  ['GET', `${list}?cursor=${Buffer.from('workspaces after 1 OR 1=1').toString('base64url')}`, 400, 'invalid'],
  ['GET', `${list}?cursor=${Buffer.from('history after 1').toString('base64url')}`, 400, 'invalid'],
  ['GET', `${list}?status=Running`, 400, 'invalid'],
  ['GET', `${list}?status=`, 400, 'invalid'],
  ['GET', `${list}?status=deleted`, 400, 'invalid'],
  ['GET', `${list}?status=deleting`, 400, 'invalid'],
  ['GET', `${list}?status=running&status=failed`, 400, 'invalid'],
  ['GET', `${list}?name=`, 400, 'invalid'],
  ['GET', `${list}?name=a%0ab`, 400, 'invalid'],
  ['GET', `${list}?name=a'--`, 400, 'invalid'],
  ['GET', `${list}?name=%zz`, 400, 'invalid'],
  ['GET', `${list}?template=../base`, 400, 'invalid'],
  ['GET', `${list}?owner=`, 400, 'invalid'],
  ['GET', `${list}?owner=a,b`, 400, 'invalid'],
]

test.each(requests.map(([method, path, status, code, allow]) => ({ method, path, status, code, allow })))(
  '$method $path is answered with $status $code',
  async ({ method, path, status, code, allow }) => {
    const response = await testServer.inject(method, path)
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code])
    expect(response.headers['allow']).toBe(allow)
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.headers['x-content-type-options']).toBe('nosniff')
  },
)

test('an unreadable database is 503 and a bug is 500, and neither response contains internal messages', async () => {
  const broken = await openTestServer({
    wrapSupervisor: (supervisor) => ({
      ...supervisor,
      list() {
        throw Object.assign(new Error('SELECT seq FROM workspaces: disk I/O error /srv/vm/vm.db'), {
          code: 'SQLITE_IOERR',
        })
      },
      find() {
        throw new SyntaxError('Unexpected token in /srv/vm/vm.db')
      },
    }),
  })
  const responses = [await broken.inject('GET', list), await broken.inject('GET', `${list}/${unknownId}`)]
  expect(responses.map((response) => [response.statusCode, response.headers['retry-after'], response.json()])).toEqual([
    // A disk error is not a bug: the client may retry, and readiness informs the operator.
    [503, '5', { error: problems['not-read'].error, code: 'not-read' }],
    [500, undefined, { error: problems.internal.error, code: 'internal' }],
  ])
  for (const response of responses)
    expect(broken.logged.filter((line) => line.includes(String(response.headers['x-request-id']))).join()).toContain(
      '/srv/vm/vm.db',
    )
})

function expectNothingStored() {
  expect([testServer.count('workspaces'), testServer.count('journal'), testServer.count('idempotency')]).toEqual([
    0, 0, 0,
  ])
  expect(testServer.engine.calls.filter(({ workspaceId }) => workspaceId !== null)).toEqual([])
}
