import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { OrphanResponse } from '../../wire/orphan.ts'
import { adoptOrphanBodySchema, orphanResponseSchema, orphanRemovedSchema } from '../../wire/orphan.ts'
import { workspaceSchema } from '../../wire/workspace.ts'
import { responseSchemas } from '../server/openapi.ts'
import { Problem } from '../presenters/problem.ts'
import { unwrapAdoptResult, notWrittenProblem } from '../presenters/command-result.ts'
import { presentWorkspace } from '../presenters/workspace.ts'

/** What reconciliation leaves to operators. To everybody else there is nothing here. */
export function orphanRoutes(supervisor: Supervisor): FastifyPluginAsyncZod {
  return async (app) => {
    app.addHook('preHandler', async ({ caller }) => {
      if (!caller.operator) throw new Problem('route-not-found')
    })

    app.get(
      '/orphans',
      {
        schema: {
          tags: ['operators'],
          summary: 'List containers of this installation that belong to no workspace',
          description: 'Operators only. There are some after an older database was put back. Nothing is done to them.',
          response: responseSchemas(z.array(orphanResponseSchema), 'unauthenticated', 'route-not-found'),
        },
      },
      async () =>
        supervisor.orphans().map(
          ({ containerId, labels, provider, state, workspaceId }): OrphanResponse => ({
            container_id: containerId,
            provider,
            workspace: workspaceId,
            state: state.kind,
            ...labels,
          }),
        ),
    )

    app.delete(
      '/orphans/:container',
      {
        schema: {
          tags: ['operators'],
          summary: 'Remove such a container, with the files in it',
          description: 'Operators only. It is written down by whom; if the engine does not answer, it is tried again.',
          params: z.object({ container: z.string() }),
          response: responseSchemas(
            orphanRemovedSchema,
            'unauthenticated',
            'route-not-found',
            'orphan-not-found',
            'not-written',
          ),
        },
      },
      async (request) => {
        const result = await supervisor.removeOrphan(request.params.container, request.caller)
        if (result.kind === 'write-failed') throw notWrittenProblem(result.error)
        if (result.kind === 'not-found') throw new Problem('orphan-not-found')
        return { message: 'Container removed' as const }
      },
    )

    app.post(
      '/orphans/:container/adopt',
      {
        schema: {
          tags: ['operators'],
          summary: 'Make such a container a workspace again',
          description:
            'Operators only. The workspace has the id, the owner, the name and the template that the labels tell, or that the body tells where they do not. It is started in this container.',
          params: z.object({ container: z.string() }),
          body: adoptOrphanBodySchema,
          response: responseSchemas(
            workspaceSchema,
            'invalid',
            'malformed-json',
            'unknown-template',
            'unauthenticated',
            'route-not-found',
            'orphan-not-found',
            'name-taken',
            'body-too-large',
            'unsupported-media-type',
            'not-read',
            'not-written',
          ),
        },
      },
      async (request) => {
        const suppliedFields = Object.entries(request.body ?? {}).filter(([, value]) => typeof value === 'string')
        return presentWorkspace(
          unwrapAdoptResult(
            await supervisor.adoptOrphan(request.params.container, request.caller, Object.fromEntries(suppliedFields)),
          ),
        )
      },
    )
  }
}
