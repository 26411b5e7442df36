import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { WorkspaceLogLine } from '../../../runtime/logs/log-lines.ts'
import type { LogSources } from '../../../runtime/logs/log-sources.ts'
import { openWorkspaceLog } from '../../../runtime/logs/workspace-log.ts'
import type { Caller } from '../../../supervisor/admission.ts'
import type { Supervisor } from '../../../supervisor/supervisor.ts'
import type { LogLine } from '../../../wire/runtime/log.ts'
import { logLineSchema, logQuerySchema } from '../../../wire/runtime/log.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { ResponseContent } from '../../server/openapi.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { Problem } from '../../presenters/problem.ts'
import { closeOnShutdown, disconnectSignal } from '../../server/body-streams.ts'
import { isoTime } from '../../presenters/workspace.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

const logContentType = 'application/x-ndjson'
const logContent: ResponseContent = {
  description: 'A line for each line that was written, oldest first. An empty one is a sign of life.',
  content: { [logContentType]: { schema: logLineSchema } },
}

export function logRoutes(supervisor: Supervisor, shutdownSignal: AbortSignal): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/workspaces/:id/logs',
      {
        schema: {
          tags: ['logs'],
          summary: 'What a workspace wrote',
          description:
            'The output of its lifecycle commands, of which the newest 256 KiB are kept, and of its main process, in the order of time; what has no time comes after what has one. In any state. `follow` ends when the workspace rests or is gone.',
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
        },
      },
      async (request, reply) => {
        const [id, { caller }] = [workspaceIdParam(request.params), request]
        if (supervisor.resolve(id, caller).kind === 'not-found') throw new Problem('workspace-not-found')
        void reply.type(logContentType)
        if (request.method === 'HEAD') return reply.send()
        const { follow, since, tail = null } = request.query
        const options = { follow: follow === 'true', since: since === undefined ? null : Date.parse(since), tail }
        const signal = AbortSignal.any([disconnectSignal(reply), shutdownSignal])
        const opened = await openWorkspaceLog(logSources(supervisor, id, caller), options, signal)
        if (!opened.ok) throw new Problem('provider-failed', { error: opened.fault.message, headers: retryHeaders })
        closeOnShutdown(reply, shutdownSignal)
        // A proxy that collects an answer before it passes it on would hold up what is to be live.
        return reply
          .header('x-accel-buffering', 'no')
          .send(Readable.from(ndjsonLines(opened.value, options.follow), { objectMode: false }))
      },
    )
  }
}

const retryHeaders = { 'retry-after': '5' }

function logSources(supervisor: Supervisor, id: WorkspaceId, caller: Caller): LogSources {
  return {
    lifecycleOutput: (after, limit) => supervisor.lifecycleOutput.after(id, after, limit),
    mainOutput(options, signal) {
      const resolved = supervisor.resolve(id, caller)
      if (resolved.kind !== 'found' || resolved.workspace.containerId === null) return null
      return resolved.guest.logs(resolved.workspace, options, signal)
    },
    phase() {
      const resolved = supervisor.resolve(id, caller)
      if (resolved.kind !== 'found' || (resolved.settled && !resolved.ready)) return 'over'
      return resolved.ready ? 'up' : 'busy'
    },
    subscribe(wake) {
      const unsubscribeOutput = supervisor.lifecycleOutput.subscribe(id, wake)
      const subscribed = supervisor.subscribe({ caller, workspace: id, after: null }, wake)
      return () => {
        unsubscribeOutput()
        if (subscribed.kind === 'subscribed') subscribed.subscription.close()
      }
    },
  }
}

async function* ndjsonLines(
  lines: AsyncIterable<WorkspaceLogLine | null>,
  follow: boolean,
): AsyncGenerator<string, void, undefined> {
  // The head of an answer goes with its first piece, and nothing may come for long.
  if (follow) yield '\n'
  for await (const line of lines) yield line === null ? '\n' : `${JSON.stringify(presentLogLine(line))}\n`
}

function presentLogLine({ at, source, stream: streamName, bytes, partial }: WorkspaceLogLine): LogLine {
  const isText = isUtf8(bytes)
  return {
    ...(at !== null && { at: isoTime(at) }),
    source,
    stream: streamName,
    data: bytes.toString(isText ? 'utf8' : 'base64'),
    ...(!isText && { encoding: 'base64' as const }),
    ...(partial && { cut: true as const }),
  }
}
