import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { ProblemCode } from '../presenters/problem-table.ts'
import type { Readiness } from '../../wire/health.ts'
import { healthResponseSchema, readinessSchema } from '../../wire/health.ts'

const notReady: ProblemCode = 'not-ready'

/** Health needs no authentication. `showDetails` adds the address of the engine and the error to the response. */
export function healthRoutes(supervisor: Supervisor, version: string, showDetails: boolean): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/health',
      {
        schema: {
          tags: ['health'],
          summary: 'Liveness: the process responds',
          security: [],
          response: { 200: healthResponseSchema },
        },
      },
      async () => ({ status: 'ok' as const, service: 'vm-api' as const, version }),
    )

    app.get(
      '/health/ready',
      {
        schema: {
          tags: ['health'],
          summary: 'Readiness: the database and the engine respond',
          security: [],
          response: { 200: readinessSchema, 503: readinessSchema },
        },
      },
      async (_request, reply) => {
        const { database, provider, rehydrating } = supervisor.health()
        const issues = [
          database && `Database: ${database}`,
          provider && `Provider: ${showDetails ? provider : 'the engine does not respond; the log has the reason.'}`,
          rehydrating && 'Stored workspaces are still being restored; this takes seconds.',
        ].filter((issue) => typeof issue === 'string')
        const components = {
          database: database === null ? 'connected' : 'disconnected',
          provider: provider === null ? 'connected' : 'disconnected',
        } as const
        if (issues.length === 0) return { status: 'ready', ...components } satisfies Readiness
        const body: Readiness = { status: 'not_ready', ...components, error: issues.join(' '), code: notReady }
        return reply.code(503).send(body)
      },
    )
  }
}
