import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { testClient } from './test-client.ts'

// Responses that the service itself never sends: a proxy in between wrote them.

const port = 4999
const anyWorkspace = `http://127.0.0.1:${port}/api/v1/workspaces/:id`
const proxy = setupServer()

beforeAll(() => proxy.listen({ onUnhandledRequest: 'error' }))
afterEach(() => proxy.resetHandlers())
afterAll(() => proxy.close())

test.each([
  ['an HTML error page', HttpResponse.html('<h1>Bad gateway</h1>', { status: 502 }), 502],
  ['an empty response', new HttpResponse(null, { status: 504 }), 504],
  ['JSON of another form', HttpResponse.json(['sign in'], { status: 401 }), 401],
])('%s of a proxy is an error with its status', async (_description, response, status) => {
  proxy.use(http.get(anyWorkspace, () => response))
  await expect(testClient(port).get('w1')).rejects.toMatchObject({
    name: 'ApiError',
    status,
    code: 'unknown',
    message: `The service answered with status ${status}.`,
  })
})

test("a proxy's error in the form of the API is reported in the proxy's words", async () => {
  const body = { error: 'Sign in at /oauth2/start first.', code: 'unauthenticated' }
  proxy.use(http.get(anyWorkspace, () => HttpResponse.json(body, { status: 401 })))
  await expect(testClient(port).get('w1')).rejects.toMatchObject({ status: 401, code: body.code, message: body.error })
})

test('a connection that breaks before the response is reported as such', async () => {
  proxy.use(http.get(anyWorkspace, () => HttpResponse.error()))
  await expect(testClient(port).get('w1')).rejects.toMatchObject({ status: 0, code: 'unreachable' })
})
