import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { ProblemCode } from '../known-problems.ts'
import type { Readiness } from '../../wire/health.ts'
import { health, readiness } from '../../wire/health.ts'

const notReady: ProblemCode = 'not-ready'

/** Health is open to everybody: `detailed` says whether everybody may read where the engine is and why it does not answer. */
export function healthRoutes(supervisor: Supervisor, version: string, detailed: boolean): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/health',
      {
        schema: { tags: ['health'], summary: 'Does the service live?', security: [], response: { 200: health } },
      },
      async () => ({ status: 'ok' as const, service: 'vm-api' as const, version }),
    )

    app.get(
      '/health/ready',
      {
        schema: {
          tags: ['health'],
          summary: 'Can it do its work?',
          security: [],
          response: { 200: readiness, 503: readiness },
        },
      },
      async (_request, reply) => {
        const { database, provider, rehydrating } = supervisor.health()
        const troubles = [
          database && `Database: ${database}`,
          provider && `Provider: ${detailed ? provider : 'the engine does not answer; the log says why.'}`,
          rehydrating && 'The stored workspaces are still being brought back; this takes seconds.',
        ].filter((trouble) => typeof trouble === 'string')
        const parts = {
          database: database === null ? 'connected' : 'disconnected',
          provider: provider === null ? 'connected' : 'disconnected',
        } as const
        if (troubles.length === 0) return { status: 'ready', ...parts } satisfies Readiness
        const answer: Readiness = { status: 'not_ready', ...parts, error: troubles.join(' '), code: notReady }
        return reply.code(503).send(answer)
      },
    )
  }
}
