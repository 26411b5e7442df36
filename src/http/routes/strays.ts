import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { Stray } from '../../wire/stray.ts'
import { adoptStray, stray, strayRemoved } from '../../wire/stray.ts'
import { workspace } from '../../wire/workspace.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { adoptedIn, notWritten } from '../told.ts'
import { view } from '../view.ts'

/** What reconciliation leaves to operators. To everybody else there is nothing here. */
export function strayRoutes(supervisor: Supervisor): FastifyPluginAsyncZod {
  return async (app) => {
    app.addHook('preHandler', async ({ asker }) => {
      if (!asker.operator) throw new Problem('route-not-found')
    })

    app.get(
      '/strays',
      {
        schema: {
          tags: ['operators'],
          summary: 'List containers of this installation that belong to no workspace',
          description: 'Operators only. There are some after an older database was put back. Nothing is done to them.',
          response: answers(z.array(stray), 'unauthenticated', 'route-not-found'),
        },
      },
      async () =>
        supervisor.strays().map(
          ({ containerId, labelled, provider, state, workspaceId }): Stray => ({
            container_id: containerId,
            provider,
            workspace: workspaceId,
            state: state.kind,
            ...labelled,
          }),
        ),
    )

    app.delete(
      '/strays/:container',
      {
        schema: {
          tags: ['operators'],
          summary: 'Remove such a container, with the files in it',
          description: 'Operators only. It is written down by whom; if the engine does not answer, it is tried again.',
          params: z.object({ container: z.string() }),
          response: answers(strayRemoved, 'unauthenticated', 'route-not-found', 'stray-not-found', 'not-written'),
        },
      },
      async (request) => {
        const removed = await supervisor.removeStray(request.params.container, request.asker)
        if (removed.kind === 'not-written') throw notWritten(removed.error)
        if (removed.kind === 'unknown') throw new Problem('stray-not-found')
        return { message: 'Container removed' as const }
      },
    )

    app.post(
      '/strays/:container/adopt',
      {
        schema: {
          tags: ['operators'],
          summary: 'Make such a container a workspace again',
          description:
            'Operators only. The workspace has the id, the owner, the name and the template that the labels tell, or that the body tells where they do not. It is started in this container.',
          params: z.object({ container: z.string() }),
          body: adoptStray,
          response: answers(
            workspace,
            'invalid',
            'malformed-json',
            'unknown-template',
            'unauthenticated',
            'route-not-found',
            'stray-not-found',
            'name-taken',
            'body-too-large',
            'unsupported-media-type',
            'not-read',
            'not-written',
          ),
        },
      },
      async (request) => {
        const given = Object.entries(request.body ?? {}).filter(([, value]) => typeof value === 'string')
        return view(
          adoptedIn(await supervisor.adoptStray(request.params.container, request.asker, Object.fromEntries(given))),
        )
      },
    )
  }
}
