// The debug mode of the client: it loads zod and every schema, so nothing else imports it.
import { transitionEventSchema } from '../wire/event.ts'
import { healthResponseSchema, readinessSchema } from '../wire/health.ts'
import { historyLineSchema } from '../wire/history.ts'
import { operationsResponseSchema } from '../wire/operations.ts'
import { orphanResponseSchema } from '../wire/orphan.ts'
import { execLineSchema, execSummarySchema } from '../wire/runtime/exec.ts'
import { fileEntryResponseSchema } from '../wire/runtime/file.ts'
import { logLineSchema } from '../wire/runtime/log.ts'
import { shellServerMessageSchema, ticketSchema } from '../wire/runtime/shell.ts'
import { snapshotSchema } from '../wire/snapshot.ts'
import { templateResponseSchema } from '../wire/template.ts'
import { workspaceSchema } from '../wire/workspace.ts'
import type { ResponseBodies, ResponseName, ResponseValidator } from './response-body.ts'
import { InvalidResponseError } from './response-body.ts'

interface Schema<T> {
  safeParse(
    body: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false; readonly error: Error }
}

const schemas: { readonly [N in ResponseName]: Schema<ResponseBodies[N]> } = {
  execLine: execLineSchema,
  execSummaries: execSummarySchema.array(),
  fileEntry: fileEntryResponseSchema,
  fileEntries: fileEntryResponseSchema.array(),
  health: healthResponseSchema,
  historyLines: historyLineSchema.array(),
  logLine: logLineSchema,
  operations: operationsResponseSchema,
  orphans: orphanResponseSchema.array(),
  readiness: readinessSchema,
  shellMessage: shellServerMessageSchema,
  snapshot: snapshotSchema,
  templates: templateResponseSchema.array(),
  ticket: ticketSchema,
  transitionEvent: transitionEventSchema,
  workspace: workspaceSchema,
  workspaces: workspaceSchema.array(),
}

/** Checks bodies against the schemas of the API. Unknown fields are allowed: a newer service may send them. */
export const validateResponse: ResponseValidator = (name, body) => {
  const result = schemas[name].safeParse(body)
  if (!result.success) throw new InvalidResponseError(name, result.error.message)
}
