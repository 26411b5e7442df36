import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { historyLine, historyQuery } from '../../wire/history.ts'
import { linkToNext, placeOf } from '../cursor.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { lineView } from '../view.ts'
import { idOf } from '../workspace-path.ts'

/** A history is rarely long, and never unbounded in one answer. */
const longestPage = 1000

export function historyRoutes(supervisor: Supervisor): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/workspaces/:id/history',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'Every transition of a workspace, oldest first',
          description: 'It outlives the workspace by 30 days.',
          params: z.object({ id: z.string() }),
          querystring: historyQuery,
          response: answers(z.array(historyLine), 'invalid', 'unauthenticated', 'workspace-not-found', 'not-read'),
        },
      },
      async (request, reply) => {
        const { cursor, limit = longestPage } = request.query
        const after = cursor === undefined ? 0 : placeOf('history', cursor)
        const lines = supervisor.history(idOf(request.params), request.asker, after, limit + 1)
        if (!lines) throw new Problem('workspace-not-found')
        const page = lines.slice(0, limit)
        const last = page.at(-1)
        if (last && page.length < lines.length) void reply.header('link', linkToNext('history', request.url, last.seq))
        return page.map(lineView)
      },
    )
  }
}
