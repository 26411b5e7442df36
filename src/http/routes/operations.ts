import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { operationsResponseSchema } from '../../wire/operations.ts'
import type { OperationsResponse } from '../../wire/operations.ts'
import { responseSchemas } from '../server/openapi.ts'
import { Problem } from '../presenters/problem.ts'
import { isoTime } from '../presenters/workspace.ts'

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
          response: responseSchemas(operationsResponseSchema, 'unauthenticated', 'route-not-found', 'not-read'),
        },
      },
      async ({ caller }): Promise<OperationsResponse> => {
        if (!caller.operator) throw new Problem('route-not-found')
        const { expiryPausedUntil: expiryHeldUntil, queue, orphans, sweeps, quarantined } = supervisor.operations()
        return {
          queue,
          sweeps: sweeps.map(presentSweep),
          ...(expiryHeldUntil !== null && { expiry_held_until: isoTime(expiryHeldUntil) }),
          orphans,
          unreadable: quarantined,
        }
      },
    )
  }
}

function presentSweep({ lastRun: last, name, nextAt }: ReturnType<Supervisor['operations']>['sweeps'][number]) {
  return {
    name,
    ...(last && { began_at: isoTime(last.startedAt) }),
    ...(last && last.durationMs !== null && { took_ms: Math.round(last.durationMs) }),
    did: { ...last?.counts },
    failed: [...(last?.failed ?? [])],
    ...(nextAt !== null && { next_at: isoTime(nextAt) }),
  }
}
