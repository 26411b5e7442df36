import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { operations } from '../../wire/operations.ts'
import type { Operations } from '../../wire/operations.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { isoTime } from '../view.ts'

/** What the service does without being asked. To everybody but operators there is nothing here. */
export function operationRoutes(supervisor: Supervisor): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/operations',
      {
        schema: {
          tags: ['operators'],
          summary: 'Tell what the service does without being asked',
          description:
            'Operators only. The queue, the sweeps and what came of each the last time, and what waits for an operator.',
          response: answers(operations, 'unauthenticated', 'route-not-found', 'not-read'),
        },
      },
      async ({ asker }): Promise<Operations> => {
        if (!asker.operator) throw new Problem('route-not-found')
        const { expiryHeldUntil, queue, strays, sweeps, unreadable } = supervisor.operations()
        return {
          queue,
          sweeps: sweeps.map(sweepView),
          ...(expiryHeldUntil !== null && { expiry_held_until: isoTime(expiryHeldUntil) }),
          strays,
          unreadable,
        }
      },
    )
  }
}

function sweepView({ last, name, nextAt }: ReturnType<Supervisor['operations']>['sweeps'][number]) {
  return {
    name,
    ...(last && { began_at: isoTime(last.beganAt) }),
    ...(last && last.tookMs !== null && { took_ms: Math.round(last.tookMs) }),
    did: { ...last?.counts },
    failed: [...(last?.failed ?? [])],
    ...(nextAt !== null && { next_at: isoTime(nextAt) }),
  }
}
