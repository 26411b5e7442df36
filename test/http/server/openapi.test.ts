import { expect, test } from 'vitest'
import { z } from 'zod'
import { problems } from '../../../src/http/presenters/problem-table.ts'
import { openTestServer } from '../test-server.ts'

const schema = z.looseObject({})
const response = z.object({
  description: z.string(),
  content: z.union([
    z.object({ 'application/json': z.object({ schema }) }),
    z.object({ 'text/event-stream': z.object({ schema }) }),
    z.object({ 'application/x-ndjson': z.object({ schema }) }),
    z.object({ 'application/octet-stream': z.object({ schema }) }),
    z.object({ 'application/x-tar': z.object({ schema }) }),
    z.object({ 'image/svg+xml': z.object({ schema }) }),
  ]),
})
const operation = z.object({
  summary: z.string(),
  tags: z.array(z.string()),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z
    .array(z.object({ name: z.string(), in: z.enum(['path', 'query', 'header']), required: z.boolean(), schema }))
    .optional(),
  requestBody: z.object({ content: z.object({ 'application/json': z.object({ schema }) }) }).optional(),
  responses: z.record(z.string().regex(/^[2-5]\d\d$/), response),
})
const document = z.object({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.literal('vm-api'), version: z.literal('1.2.3') }),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  tags: z.array(z.object({ name: z.string() })),
  components: z.object({
    schemas: z.record(z.string(), schema),
    securitySchemes: z.record(
      z.string(),
      z.object({ type: z.literal('apiKey'), in: z.literal('header'), name: z.string() }),
    ),
  }),
  paths: z.record(z.string(), z.record(z.string(), operation)),
})

async function described() {
  const { inject } = await openTestServer()
  const { body } = await inject('GET', '/openapi.json', { headers: { 'x-user': undefined } })
  return { text: body, ...document.parse(JSON.parse(body)) }
}

test('OpenAPI describes every route of the API, and no other', async () => {
  const { paths } = await described()
  expect(
    Object.entries(paths)
      .map(([path, methods]) => `${path} ${Object.keys(methods).toSorted().join(' ')}`)
      .toSorted(),
  ).toEqual([
    '/api/v1/events get',
    '/api/v1/operations get',
    '/api/v1/orphans get',
    '/api/v1/orphans/{container} delete',
    '/api/v1/orphans/{container}/adopt post',
    '/api/v1/statecharts get',
    '/api/v1/statecharts/{machine} get',
    '/api/v1/templates get',
    '/api/v1/tickets post',
    '/api/v1/workspaces get post',
    '/api/v1/workspaces/{id} delete get patch',
    '/api/v1/workspaces/{id}/events get',
    '/api/v1/workspaces/{id}/exec get post',
    '/api/v1/workspaces/{id}/exec/{exec_id} get',
    '/api/v1/workspaces/{id}/exec/{exec_id}/kill post',
    '/api/v1/workspaces/{id}/exec/{exec_id}/stdin put',
    '/api/v1/workspaces/{id}/files delete get put',
    '/api/v1/workspaces/{id}/files/directory post',
    '/api/v1/workspaces/{id}/files/list get',
    '/api/v1/workspaces/{id}/files/move post',
    '/api/v1/workspaces/{id}/files/stat get',
    '/api/v1/workspaces/{id}/files/tree get put',
    '/api/v1/workspaces/{id}/history get',
    '/api/v1/workspaces/{id}/logs get',
    '/api/v1/workspaces/{id}/restart post',
    '/api/v1/workspaces/{id}/shell get',
    '/api/v1/workspaces/{id}/snapshot get',
    '/api/v1/workspaces/{id}/start post',
    '/api/v1/workspaces/{id}/statechart get',
    '/api/v1/workspaces/{id}/stop post',
    '/health get',
    '/health/ready get',
  ])
})

test('every reference in OpenAPI resolves, and every schema is referenced', async () => {
  const { text, components } = await described()
  const referred = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, to]) => to?.replace('#/components/schemas/', ''))
  expect(new Set(referred)).toEqual(new Set(Object.keys(components.schemas)))
})

test('OpenAPI declares authentication, and the routes that need none', async () => {
  const { paths, security, components, tags } = await described()
  expect(security.flatMap((scheme) => Object.keys(scheme)).toSorted()).toEqual(
    Object.keys(components.securitySchemes).toSorted(),
  )
  expect(Object.values(components.securitySchemes).map(({ name }) => name.toLowerCase())).toEqual([
    'x-user',
    'x-vm-user',
  ])
  for (const [path, methods] of Object.entries(paths))
    for (const { security: ownSchemes, tags: used, parameters = [] } of Object.values(methods)) {
      expect(ownSchemes, path).toEqual(path.startsWith('/health') ? [] : undefined)
      expect(tags.map(({ name }) => name)).toEqual(expect.arrayContaining(used))
      const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
    }
})

test('every error in OpenAPI has the error schema and lists its problem codes', async () => {
  const { paths } = await described()
  for (const [path, methods] of Object.entries(paths)) {
    if (path.startsWith('/health')) continue
    for (const { responses } of Object.values(methods)) {
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', '400', '401', '500', '503']))
      for (const [status, { description, content }] of Object.entries(responses)) {
        if (status === '200') continue
        expect('application/json' in content && content['application/json'].schema).toMatchObject({
          $ref: '#/components/schemas/Error',
        })
        const codes = [...description.matchAll(/`([a-z-]+)`/g)].map(([, code]) => code)
        expect(codes.length).toBeGreaterThan(0)
        for (const code of codes)
          expect(Object.entries(problems).find(([known]) => known === code)?.[1].status).toBe(Number(status))
      }
    }
  }
})

test('the page at /docs loads nothing from other origins, and its policy forbids it', async () => {
  const { inject } = await openTestServer()
  const page = await inject('GET', '/docs/')
  const loaded = [...page.body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => String(path))
  expect(loaded.length).toBeGreaterThan(4)
  expect(page.body).not.toMatch(/<script>|<style|\son\w+=|style=/) // the policy would block them
  for (const path of loaded) {
    expect(path).toMatch(/^\.\/static\/[\w.-]+$/)
    const file = await inject('GET', `/docs/${path.slice(2)}`)
    expect(file.statusCode).toBe(200)
    expect(policyOf(file)).toEqual(policyOf(page))
    if (path.endsWith('.css')) expect(file.body).not.toMatch(/@import|url\((?!["']?data:)/)
  }
  const settings = (await inject('GET', '/docs/static/swagger-initializer.js')).body
  expect(settings).toContain('validatorUrl: null') // otherwise the page would send the document to an external validator
  expect(settings).toContain('"layout":"BaseLayout"') // the other layout can load documents from other origins
  expect(policyOf(page)).toEqual({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self' data:",
    'font-src': "'self' data:",
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  })
})

function policyOf({ headers }: { headers: Record<string, unknown> }): Record<string, string> {
  const parts = String(headers['content-security-policy'])
    .split(';')
    .map((part) => part.trim())
    .filter(Boolean)
  return Object.fromEntries(parts.map((part) => [part.split(' ')[0], part.split(' ').slice(1).join(' ')]))
}
