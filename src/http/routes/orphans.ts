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

/** Containers without a workspace. For operators; to all other callers these routes do not exist. */
export function orphanRoutes(supervisor: Supervisor): FastifyPluginAsyncZod {
  return async (app) => {
    app.addHook('preHandler', async ({ caller }) => {
      if (!caller.operator) throw new Problem('route-not-found')
    })

    app.get('/orphans', { schema: listSchema }, async () =>
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

    app.delete('/orphans/:container', { schema: removeSchema }, async (request) => {
      const result = await supervisor.removeOrphan(request.params.container, request.caller)
      if (result.kind === 'write-failed') throw notWrittenProblem(result.error)
      if (result.kind === 'not-found') throw new Problem('orphan-not-found')
      return { message: 'Container removed' as const }
    })

    app.post('/orphans/:container/adopt', { schema: adoptSchema }, async (request) => {
      const overrides = Object.fromEntries(
        Object.entries(request.body ?? {}).filter(([, value]) => typeof value === 'string'),
      )
      const result = await supervisor.adoptOrphan(request.params.container, request.caller, overrides)
      return presentWorkspace(unwrapAdoptResult(result))
    })
  }
}

const params = z.object({ container: z.string() })

const listSchema = {
  tags: ['operators'],
  summary: 'List containers of this installation that belong to no workspace',
  description:
    'Operators only. Orphans appear when an older database was restored. The service neither stops nor removes them on its own.',
  response: responseSchemas(z.array(orphanResponseSchema), 'unauthenticated', 'route-not-found'),
}

const removeSchema = {
  tags: ['operators'],
  summary: 'Remove an orphan and its files',
  description:
    'Operators only. The history records the operator. If the engine does not respond, the removal is retried in the background.',
  params,
  response: responseSchemas(
    orphanRemovedSchema,
    'unauthenticated',
    'route-not-found',
    'orphan-not-found',
    'not-written',
  ),
}

const adoptSchema = {
  tags: ['operators'],
  summary: 'Turn an orphan back into a workspace',
  description:
    'Operators only. Id, owner, name and template come from the labels of the container; the body supplies those that are missing. The workspace starts in this container.',
  params,
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
}
