import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { operationsResponseSchema } from '../../wire/operations.ts'
import type { OperationsResponse } from '../../wire/operations.ts'
import { responseSchemas } from '../server/openapi.ts'
import { Problem } from '../presenters/problem.ts'
import { isoTime } from '../presenters/workspace.ts'

/** Background work of the service. For operators; to all other callers this route does not exist. */
export function operationRoutes(supervisor: Supervisor): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/operations',
      {
        schema: {
          tags: ['operators'],
          summary: 'Get the state of background work',
          description:
            'Operators only. The provisioning queue, the last run of each sweep, and what needs the attention of an operator.',
          response: responseSchemas(operationsResponseSchema, 'unauthenticated', 'route-not-found', 'not-read'),
        },
      },
      async ({ caller }): Promise<OperationsResponse> => {
        if (!caller.operator) throw new Problem('route-not-found')
        const { expiryPausedUntil, queue, orphans, sweeps, quarantined } = supervisor.operations()
        return {
          queue,
          sweeps: sweeps.map(presentSweep),
          ...(expiryPausedUntil !== null && { expiry_held_until: isoTime(expiryPausedUntil) }),
          orphans,
          unreadable: quarantined,
        }
      },
    )
  }
}

function presentSweep({ lastRun, name, nextAt }: ReturnType<Supervisor['operations']>['sweeps'][number]) {
  return {
    name,
    ...(lastRun && { began_at: isoTime(lastRun.startedAt) }),
    ...(lastRun && lastRun.durationMs !== null && { took_ms: Math.round(lastRun.durationMs) }),
    did: { ...lastRun?.counts },
    failed: [...(lastRun?.failed ?? [])],
    ...(nextAt !== null && { next_at: isoTime(nextAt) }),
  }
}
