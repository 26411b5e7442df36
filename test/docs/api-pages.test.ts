import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { problems } from '../../src/http/presenters/problem-table.ts'
import { errorResponseSchema } from '../../src/wire/error-response.ts'
import { healthResponseSchema, readinessSchema } from '../../src/wire/health.ts'
import { historyLineSchema } from '../../src/wire/history.ts'
import { templateResponseSchema } from '../../src/wire/template.ts'
import {
  patchWorkspaceBodySchema,
  createWorkspaceBodySchema,
  workspaceDeletedSchema,
  listWorkspacesQuerySchema,
  workspaceSchema,
} from '../../src/wire/workspace.ts'
import { openTestServer } from '../http/test-server.ts'

const textOf = (page: string) => readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8')
const reference = textOf('api-reference.md')

/** The text under a heading. */
function section(heading: string): string {
  const [, after = ''] = reference.split(`\n${heading}\n`)
  return after.split(/^#{2,3} /m)[0] ?? ''
}

/** The code in the first cells of the tables in a text. */
const firstCells = (text: string) => [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, cell]) => String(cell))

test('the problems page has every problem with its status and texts, and no others', () => {
  const rows = [...textOf('problems.md').matchAll(/^\| `([^`]+)` \| (\d+) \| (.*?) \| (.*) \|$/gm)]
  expect(rows.map(([, code, status, error, meaning]) => ({ code, status: Number(status), error, meaning }))).toEqual(
    Object.entries(problems).map(([code, known]) => ({ code, ...known })),
  )
})

test('the API reference has every route, and no others', async () => {
  const { inject } = await openTestServer()
  const described = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
  const { paths } = described.parse((await inject('GET', '/openapi.json')).json())
  const served = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(new Set(firstCells(section('## Endpoints')))).toEqual(
    new Set([...served, 'GET /openapi.json', 'GET /metrics']),
  )
})

test.each([
  ['## Workspace Fields', workspaceSchema],
  ['### List Workspaces', listWorkspacesQuerySchema],
  ['### Create Workspace', createWorkspaceBodySchema],
  ['### Change Workspace', patchWorkspaceBodySchema],
])('the table under “%s” has every field, and no others', (heading, schema) => {
  expect(new Set(firstCells(section(heading)))).toEqual(new Set(Object.keys(schema.shape)))
})

test.each<readonly [string, z.ZodType]>([
  ['### List Workspaces', z.array(workspaceSchema)],
  ['### Create Workspace', createWorkspaceBodySchema],
  ['### Change Workspace', patchWorkspaceBodySchema],
  ['### Delete Workspace', workspaceDeletedSchema],
  ['### Workspace History', z.array(historyLineSchema)],
  ['### List Templates', z.array(templateResponseSchema)],
  ['## Error Handling', errorResponseSchema.partial({ code: true })],
  ['## Health Checks', z.union([healthResponseSchema, readinessSchema])],
])('the JSON under “%s” matches its schema', (heading, schema) => {
  const blocks = [...section(heading).matchAll(/^```json\n(.*?)^```/gms)]
  expect(blocks.length).toBeGreaterThan(0)
  for (const [, block = ''] of blocks) expect(schema.parse(JSON.parse(block))).toEqual(JSON.parse(block))
})

const isInstalled = (program: string) => {
  try {
    return execFileSync(program, ['--version']).length > 0
  } catch {
    return false
  }
}

test.skipIf(!['bash', 'curl', 'jq'].every(isInstalled))(
  'the examples of the API reference work as printed (bash, curl and jq)',
  async () => {
    const { count, listen } = await openTestServer()
    const port = await listen()
    const blocks = [...reference.matchAll(/^```bash\n(.*?)^```/gms)].map(([, block]) => block)
    expect(blocks.length).toBe(8)
    const script = ['set -euo pipefail', ...blocks].join('\n').replaceAll('localhost:3000', `127.0.0.1:${port}`)
    const { stdout } = await promisify(execFile)('bash', ['-c', script])
    expect(stdout).not.toContain('"error"')
    expect(stdout).toMatch(/^\[\]HTTP\/1\.1 200 OK\r\n/) // no workspaces yet
    expect(stdout).toContain('"name":"my-workspace"')
    expect(stdout).toContain('Status: running\n{\n  "container_id": "')
    expect(stdout).toContain('"ssh_command": "vm ssh test-workspace"')
    expect(stdout).toContain('"create","creating.queued","user:alice"]')
    expect(stdout).toMatch(/\{"message":"Workspace deleted"\}$/)
    expect(count('workspaces')).toBe(1)
  },
)
