import type { LightMyRequestResponse } from 'fastify'
import { expect } from 'vitest'
import { z } from 'zod'
import { errorResponseSchema } from '../../src/wire/error-response.ts'
import { fileAcknowledgementSchema, fileEntryResponseSchema } from '../../src/wire/runtime/file.ts'
import { execAcknowledgementSchema, execSummarySchema } from '../../src/wire/runtime/exec.ts'
import { healthResponseSchema, readinessSchema } from '../../src/wire/health.ts'
import { historyLineSchema } from '../../src/wire/history.ts'
import { operationsResponseSchema } from '../../src/wire/operations.ts'
import { snapshotSchema } from '../../src/wire/snapshot.ts'
import { statechartSchema } from '../../src/wire/statechart.ts'
import { orphanResponseSchema, orphanRemovedSchema } from '../../src/wire/orphan.ts'
import { ticketSchema } from '../../src/wire/runtime/shell.ts'
import { templateResponseSchema } from '../../src/wire/template.ts'
import { workspaceDeletedSchema, workspaceSchema } from '../../src/wire/workspace.ts'
import { problems } from '../../src/http/presenters/problem-table.ts'

const responseSchemas: readonly (readonly [RegExp, z.ZodType])[] = [
  [/^GET \/api\/v1\/workspaces(\?.*)?$/, z.array(workspaceSchema)],
  [/^POST \/api\/v1\/workspaces$/, workspaceSchema],
  [/^(GET|PATCH) \/api\/v1\/workspaces\/[^/?]*$/, workspaceSchema],
  [/^DELETE \/api\/v1\/workspaces\/[^/?]*$/, workspaceDeletedSchema],
  [/^POST \/api\/v1\/workspaces\/[^/?]*\/(start|stop|restart)$/, workspaceSchema],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/history(\?.*)?$/, z.array(historyLineSchema)],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/exec(\?.*)?$/, z.array(execSummarySchema)],
  [/^(PUT|POST) \/api\/v1\/workspaces\/[^/?]*\/exec\/[^/?]*\/(stdin|kill)$/, execAcknowledgementSchema],
  [/^GET \/api\/v1\/statecharts$/, z.array(statechartSchema)],
  [/^GET \/api\/v1\/orphans$/, z.array(orphanResponseSchema)],
  [/^DELETE \/api\/v1\/orphans\/[^/?]*$/, orphanRemovedSchema],
  [/^GET \/api\/v1\/operations$/, operationsResponseSchema],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/snapshot$/, snapshotSchema],
  [/^POST \/api\/v1\/orphans\/[^/?]*\/adopt$/, workspaceSchema],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/files\/stat\?/, fileEntryResponseSchema],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/files\/list\?/, z.array(fileEntryResponseSchema)],
  [/^(PUT|POST|DELETE) \/api\/v1\/workspaces\/[^/?]*\/files/, fileAcknowledgementSchema],
  [/^GET \/api\/v1\/templates$/, z.array(templateResponseSchema)],
  [/^POST \/api\/v1\/tickets$/, ticketSchema],
  [/^GET \/health$/, healthResponseSchema],
  [/^GET \/health\/ready$/, readinessSchema],
]

/** Expects that a response matches its schema exactly, without unknown fields. */
export function expectSchema(method: string, path: string, response: LightMyRequestResponse): void {
  expect(response.headers['x-request-id'], `${method} ${path}`).toMatch(/^[0-9a-f]{16}$/)
  if (method === 'HEAD' || !String(response.headers['content-type']).startsWith('application/json')) return
  const body: unknown = response.json()
  if (response.statusCode !== 200 && path !== '/health/ready') {
    const problem = errorResponseSchema.parse(body)
    expect(problem, 'parsing removes unknown fields').toEqual(body)
    const known = Object.entries(problems).find(([code]) => code === problem.code)
    expect(known?.[1].status, problem.code).toBe(response.statusCode)
    return
  }
  const schema = responseSchemas.find(([route]) => route.test(`${method} ${path}`))?.[1]
  if (schema) expect(schema.parse(body), 'parsing removes unknown fields').toEqual(body)
}
