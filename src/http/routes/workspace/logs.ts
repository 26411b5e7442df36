import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { WorkspaceLogLine } from '../../../runtime/logs/log-lines.ts'
import type { WorkspaceLogs } from '../../../runtime/logs/workspace-logs.ts'
import type { LogLine } from '../../../wire/runtime/log.ts'
import { logLineSchema, logQuerySchema } from '../../../wire/runtime/log.ts'
import { providerFailedProblem } from '../../presenters/exec.ts'
import { Problem } from '../../presenters/problem.ts'
import { isoTime } from '../../presenters/workspace.ts'
import { closeOnShutdown, disconnectSignal } from '../../server/body-streams.ts'
import type { ResponseContent } from '../../server/openapi.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { ndjsonType } from './exec-output-stream.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

const logContent: ResponseContent = {
  description: 'A line for each line that was written, oldest first. An empty line is a heartbeat.',
  content: { [ndjsonType]: { schema: logLineSchema } },
}

const logSchema = {
  tags: ['logs'],
  summary: 'Read the log of a workspace',
  description:
    'The output of its lifecycle commands, of which the newest 256 KiB are retained, and of its main process, in order of time; lines without a time come last. In any state. `follow` ends when the workspace is stopped, fails or is deleted.',
  params: z.object({ id: z.string() }),
  querystring: logQuerySchema,
  response: responseSchemas(
    logContent,
    'invalid',
    'unauthenticated',
    'workspace-not-found',
    'not-read',
    'provider-failed',
  ),
}

export function logRoutes(logs: WorkspaceLogs, shutdownSignal: AbortSignal): FastifyPluginAsyncZod {
  return async (app) => {
    app.get('/workspaces/:id/logs', { schema: logSchema }, async ({ caller, method, params, query }, reply) => {
      const id = workspaceIdParam(params)
      if (!logs.exists(id, caller)) throw new Problem('workspace-not-found')
      void reply.type(ndjsonType)
      if (method === 'HEAD') return reply.send()
      const { since, tail = null } = query
      const range = { follow: query.follow === 'true', since: since === undefined ? null : Date.parse(since), tail }
      const result = await logs.open(id, caller, range, AbortSignal.any([disconnectSignal(reply), shutdownSignal]))
      if (result.kind === 'not-found') throw new Problem('workspace-not-found')
      if (result.kind === 'fault') throw providerFailedProblem(result.fault)
      closeOnShutdown(reply, shutdownSignal)
      // A proxy that buffers a response would hold up live output.
      return reply
        .header('x-accel-buffering', 'no')
        .send(Readable.from(ndjsonLines(result.lines, range.follow), { objectMode: false }))
    })
  }
}

async function* ndjsonLines(
  lines: AsyncIterable<WorkspaceLogLine | null>,
  follow: boolean,
): AsyncGenerator<string, void, undefined> {
  // The headers are sent with the first chunk, and nothing may be written for a long time.
  if (follow) yield '\n'
  for await (const line of lines) yield line === null ? '\n' : `${JSON.stringify(presentLogLine(line))}\n`
}

function presentLogLine({ at, source, stream, bytes, partial }: WorkspaceLogLine): LogLine {
  const isText = isUtf8(bytes)
  return {
    ...(at !== null && { at: isoTime(at) }),
    source,
    stream,
    data: bytes.toString(isText ? 'utf8' : 'base64'),
    ...(!isText && { encoding: 'base64' as const }),
    ...(partial && { cut: true as const }),
  }
}
