import type { LightMyRequestResponse } from 'fastify'
import { expect } from 'vitest'
import { z } from 'zod'
import { errorAnswer } from '../../src/wire/error.ts'
import { fileDone, fileEntry } from '../../src/wire/file.ts'
import { execDone, execRun } from '../../src/wire/exec.ts'
import { health, readiness } from '../../src/wire/health.ts'
import { historyLine } from '../../src/wire/history.ts'
import { operations } from '../../src/wire/operations.ts'
import { snapshot } from '../../src/wire/snapshot.ts'
import { statechart } from '../../src/wire/statechart.ts'
import { stray, strayRemoved } from '../../src/wire/stray.ts'
import { ticket } from '../../src/wire/ticket.ts'
import { template } from '../../src/wire/template.ts'
import { deleted, workspace } from '../../src/wire/workspace.ts'
import { problems } from '../../src/http/known-problems.ts'

const answers: readonly (readonly [RegExp, z.ZodType])[] = [
  [/^GET \/api\/v1\/workspaces(\?.*)?$/, z.array(workspace)],
  [/^POST \/api\/v1\/workspaces$/, workspace],
  [/^(GET|PATCH) \/api\/v1\/workspaces\/[^/?]*$/, workspace],
  [/^DELETE \/api\/v1\/workspaces\/[^/?]*$/, deleted],
  [/^POST \/api\/v1\/workspaces\/[^/?]*\/(start|stop|restart)$/, workspace],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/history(\?.*)?$/, z.array(historyLine)],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/exec(\?.*)?$/, z.array(execRun)],
  [/^(PUT|POST) \/api\/v1\/workspaces\/[^/?]*\/exec\/[^/?]*\/(stdin|kill)$/, execDone],
  [/^GET \/api\/v1\/statecharts$/, z.array(statechart)],
  [/^GET \/api\/v1\/strays$/, z.array(stray)],
  [/^DELETE \/api\/v1\/strays\/[^/?]*$/, strayRemoved],
  [/^GET \/api\/v1\/operations$/, operations],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/snapshot$/, snapshot],
  [/^POST \/api\/v1\/strays\/[^/?]*\/adopt$/, workspace],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/files\/stat\?/, fileEntry],
  [/^GET \/api\/v1\/workspaces\/[^/?]*\/files\/list\?/, z.array(fileEntry)],
  [/^(PUT|POST|DELETE) \/api\/v1\/workspaces\/[^/?]*\/files/, fileDone],
  [/^GET \/api\/v1\/templates$/, z.array(template)],
  [/^POST \/api\/v1\/tickets$/, ticket],
  [/^GET \/health$/, health],
  [/^GET \/health\/ready$/, readiness],
]

/** Holds an answer to its schema: nothing missing, nothing of another kind, and nothing besides. */
export function conform(method: string, path: string, answer: LightMyRequestResponse): void {
  expect(answer.headers['x-request-id'], `${method} ${path}`).toMatch(/^[0-9a-f]{16}$/)
  if (method === 'HEAD' || !String(answer.headers['content-type']).startsWith('application/json')) return
  const body: unknown = answer.json()
  if (answer.statusCode !== 200 && path !== '/health/ready') {
    const refusal = errorAnswer.parse(body)
    expect(refusal, 'unknown fields are left out by parsing').toEqual(body)
    const known = Object.entries(problems).find(([code]) => code === refusal.code)
    expect(known?.[1].status, refusal.code).toBe(answer.statusCode)
    return
  }
  const schema = answers.find(([route]) => route.test(`${method} ${path}`))?.[1]
  if (schema) expect(schema.parse(body), 'unknown fields are left out by parsing').toEqual(body)
}
