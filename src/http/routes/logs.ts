import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { LoggedLine } from '../../access/log-lines.ts'
import type { LogSources } from '../../access/log-sources.ts'
import { openLog } from '../../access/logs.ts'
import type { Asker } from '../../supervisor/asked.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { LogLine } from '../../wire/log.ts'
import { logLine, logQuery } from '../../wire/log.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Described } from '../openapi.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { cutAtTheEnd, leaving } from '../streamed.ts'
import { isoTime } from '../view.ts'
import { idOf } from '../workspace-path.ts'

const type = 'application/x-ndjson'
const stream: Described = {
  description: 'A line for each line that was written, oldest first. An empty one is a sign of life.',
  content: { [type]: { schema: logLine } },
}

export function logRoutes(supervisor: Supervisor, ending: AbortSignal): FastifyPluginAsyncZod {
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
          querystring: logQuery,
          response: answers(stream, 'invalid', 'unauthenticated', 'workspace-not-found', 'not-read', 'provider-failed'),
        },
      },
      async (request, reply) => {
        const [id, { asker }] = [idOf(request.params), request]
        if (supervisor.reach(id, asker).kind === 'unknown') throw new Problem('workspace-not-found')
        void reply.type(type)
        if (request.method === 'HEAD') return reply.send()
        const { follow, since, tail = null } = request.query
        const wish = { follow: follow === 'true', since: since === undefined ? null : Date.parse(since), tail }
        const signal = AbortSignal.any([leaving(reply), ending])
        const opened = await openLog(sourcesOf(supervisor, id, asker), wish, signal)
        if (!opened.ok) throw new Problem('provider-failed', { error: opened.fault.message, headers: again })
        cutAtTheEnd(reply, ending)
        // A proxy that collects an answer before it passes it on would hold up what is to be live.
        return reply
          .header('x-accel-buffering', 'no')
          .send(Readable.from(texts(opened.value, wish.follow), { objectMode: false }))
      },
    )
  }
}

const again = { 'retry-after': '5' }

function sourcesOf(supervisor: Supervisor, id: WorkspaceId, asker: Asker): LogSources {
  return {
    written: (after, limit) => supervisor.written.after(id, after, limit),
    main(wish, signal) {
      const reached = supervisor.reach(id, asker)
      if (reached.kind !== 'reached' || reached.subject.containerId === null) return null
      return reached.inside.logs(reached.subject, wish, signal)
    },
    phase() {
      const reached = supervisor.reach(id, asker)
      if (reached.kind !== 'reached' || reached.state === 'stopped.idle' || reached.state === 'failed') return 'over'
      return reached.up ? 'up' : 'busy'
    },
    follow(wake) {
      const unhear = supervisor.written.follow(id, wake)
      const followed = supervisor.follow({ asker, workspace: id, after: null }, wake)
      return () => {
        unhear()
        if (followed.kind === 'following') followed.following.close()
      }
    },
  }
}

async function* texts(
  lines: AsyncIterable<LoggedLine | null>,
  follow: boolean,
): AsyncGenerator<string, void, undefined> {
  // The head of an answer goes with its first piece, and nothing may come for long.
  if (follow) yield '\n'
  for await (const line of lines) yield line === null ? '\n' : `${JSON.stringify(shown(line))}\n`
}

function shown({ at, source, stream: from, bytes, cut }: LoggedLine): LogLine {
  const isText = isUtf8(bytes)
  return {
    ...(at !== null && { at: isoTime(at) }),
    source,
    stream: from,
    data: bytes.toString(isText ? 'utf8' : 'base64'),
    ...(!isText && { encoding: 'base64' as const }),
    ...(cut && { cut: true as const }),
  }
}
