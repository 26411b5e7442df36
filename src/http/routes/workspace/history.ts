import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Supervisor } from '../../../supervisor/supervisor.ts'
import { historyLineSchema, historyQuerySchema } from '../../../wire/history.ts'
import { nextPageLink, decodeCursor } from '../../presenters/pagination.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { Problem } from '../../presenters/problem.ts'
import { presentHistoryEntry } from '../../presenters/workspace.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

/** A history is rarely long, and never unbounded in one answer. */
const maxPageSize = 1000

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
          querystring: historyQuerySchema,
          response: responseSchemas(
            z.array(historyLineSchema),
            'invalid',
            'unauthenticated',
            'workspace-not-found',
            'not-read',
          ),
        },
      },
      async (request, reply) => {
        const { cursor, limit = maxPageSize } = request.query
        const after = cursor === undefined ? 0 : decodeCursor('history', cursor)
        const entries = supervisor.history(workspaceIdParam(request.params), request.caller, after, limit + 1)
        if (!entries) throw new Problem('workspace-not-found')
        const page = entries.slice(0, limit)
        const last = page.at(-1)
        if (last && page.length < entries.length)
          void reply.header('link', nextPageLink('history', request.url, last.seq))
        return page.map(presentHistoryEntry)
      },
    )
  }
}
