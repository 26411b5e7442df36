import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { statePath } from '../../machines/workspace-view.ts'
import type { WorkspaceSnapshot } from '../../machines/workspace-view.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { snapshot } from '../../wire/snapshot.ts'
import type { Snapshot } from '../../wire/snapshot.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { isoTime } from '../view.ts'
import { idOf } from '../workspace-path.ts'

export function snapshotRoutes(supervisor: Supervisor): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/workspaces/:id/snapshot',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'Get what the statechart of a workspace remembers',
          description:
            'For finding out why it does what it does. The form of `context` follows the statechart and may change with it.',
          params: z.object({ id: z.string() }),
          response: answers(snapshot, 'unauthenticated', 'workspace-not-found', 'not-read'),
        },
      },
      async (request): Promise<Snapshot> => {
        const found = supervisor.stored(idOf(request.params), request.asker)
        if (!found) throw new Problem('workspace-not-found')
        const { revision, seen } = found
        if (seen.kind === 'unreadable')
          return {
            state: 'failed',
            value: 'failed',
            revision,
            updated_at: isoTime(seen.row.updatedAt),
            context: null,
          }
        return {
          state: statePath(seen.snapshot.value),
          value: seen.snapshot.value,
          revision,
          updated_at: isoTime(seen.updatedAt),
          context: contextView(seen.snapshot.context),
        }
      },
    )
  }
}

function contextView(context: WorkspaceSnapshot['context']): NonNullable<Snapshot['context']> {
  const { connection, createdAt, deadline, expiresAt, metadata, recipe, retryAt } = context
  return {
    ...context,
    metadata: metadata && { ...metadata },
    connection: connection && { ...connection },
    createdAt: isoTime(createdAt),
    expiresAt: expiresAt === null ? null : isoTime(expiresAt),
    deadline: isoTime(deadline),
    retryAt: retryAt === 0 ? null : isoTime(retryAt),
    recipe: {
      ...recipe,
      containerEnv: Object.keys(recipe.containerEnv),
      remoteEnv: Object.keys(recipe.remoteEnv),
      forwardPorts: [...recipe.forwardPorts],
      onCreate: recipe.onCreate.map(commandView),
      postCreate: recipe.postCreate.map(commandView),
      postStart: recipe.postStart.map(commandView),
    },
  }
}

function commandView({ name, run }: WorkspaceSnapshot['context']['recipe']['postStart'][number]) {
  return { name, run: typeof run === 'string' ? run : [...run] }
}
