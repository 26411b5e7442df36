import { expect, test } from 'vitest'
import { negotiateContentType } from '../../../src/http/server/accept-header.ts'
import { openTestServer } from '../test-server.ts'

const svgType = 'image/svg+xml; charset=utf-8'
const charts = '/api/v1/statecharts'
const activeStatesIn = (svg: string) =>
  [...svg.matchAll(/id="state-([^"]*)" class="[^"]* active"/g)].map(([, id]) => id)

test('the statechart of a workspace highlights its current state, also after a stop', async () => {
  const { inject, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  const response = await inject('GET', `/api/v1/workspaces/${id}/statechart`)
  expect([response.statusCode, response.headers['content-type']]).toEqual([200, svgType])
  expect(activeStatesIn(response.body)).toEqual(['running', 'running.up'])
  await inject('POST', `/api/v1/workspaces/${id}/stop`)
  await waitFor(id, ({ status }) => status === 'stopped')
  expect(activeStatesIn((await inject('GET', `/api/v1/workspaces/${id}/statechart`)).body)).toEqual([
    'stopped',
    'stopped.idle',
  ])
})

test('an SVG opened as a page cannot load or run anything', async () => {
  const { inject } = await openTestServer()
  const response = await inject('GET', `${charts}/workspace`, { headers: { accept: 'image/svg+xml' } })
  expect(response.headers['content-security-policy']).toBe("default-src 'none'; style-src 'unsafe-inline'")
  expect(activeStatesIn(response.body)).toEqual([])
})

test.each([
  [undefined, 'application/json; charset=utf-8', /^\{\s+"id": "workspace"/],
  ['*/*', 'application/json; charset=utf-8', /"states"/],
  ['image/*', svgType, /^<svg/],
  ['text/html, image/svg+xml;q=0.5, application/json;q=0.4', svgType, /^<svg/],
  ['text/vnd.mermaid', 'text/vnd.mermaid; charset=utf-8', /^stateDiagram-v2/],
  ['text/plain', 'text/plain; charset=utf-8', /^stateDiagram-v2/],
])('Accept %j selects the type of a statechart', async (accept, type, text) => {
  const { inject } = await openTestServer()
  const response = await inject('GET', `${charts}/workspace`, { headers: { accept } })
  expect([response.statusCode, response.headers['content-type'], response.headers['vary']]).toEqual([
    200,
    type,
    'accept',
  ])
  expect(response.body).toMatch(text)
})

test('the list has each machine with its leaf states', async () => {
  const { inject } = await openTestServer()
  const [workspace, ...others] = (await inject('GET', charts)).json<{ machine: string; states: string[] }[]>()
  expect(others).toEqual([])
  expect(workspace?.machine).toBe('workspace')
  expect(workspace?.states).toEqual(expect.arrayContaining(['creating.queued', 'running.up', 'failed', 'deleted']))
  expect(workspace?.states).not.toContain('running')
})

test.each([
  [`${charts}/nothing`, undefined, 404, 'statechart-not-found'],
  [`${charts}/..%2Fworkspace`, undefined, 404, 'statechart-not-found'],
  [`${charts}/__proto__`, undefined, 404, 'statechart-not-found'],
  [`${charts}/workspace`, 'application/pdf', 406, 'not-acceptable'],
  [`${charts}/workspace`, 'application/json;q=0', 406, 'not-acceptable'],
  ['/api/v1/workspaces/550e8400-e29b-41d4-a716-446655440000/statechart', 'image/svg+xml', 404, 'workspace-not-found'],
])('%s as %j is %i', async (path, accept, status, code) => {
  const { inject } = await openTestServer()
  const response = await inject('GET', path, { headers: { accept } })
  expect([response.statusCode, response.json()]).toEqual([status, expect.objectContaining({ code })])
})

test('the statechart of a workspace is available as SVG only', async () => {
  const { inject, createWorkspace } = await openTestServer()
  const { id } = await createWorkspace()
  const response = await inject('GET', `/api/v1/workspaces/${id}/statechart`, {
    headers: { accept: 'application/json' },
  })
  expect([response.statusCode, response.json().error]).toEqual([406, expect.stringContaining('image/svg+xml')])
})

test.each([
  ['a/b', 'a/b'],
  ['A/B', 'a/b'],
  ['c/d, a/b;q=0.2', 'c/d'],
  ['*/*;q=0.1, a/*', 'a/b'],
  ['*/*, a/b;q=0', 'c/d'],
  ['', 'a/b'],
  ['c/d;q=nonsense, a/b;q=0.1', 'a/b'],
])('of a/b and c/d, Accept %j gets %s', (header, type) => {
  expect(negotiateContentType(header, ['a/b', 'c/d'])).toBe(type)
})
