import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { statePath } from '../../../machines/workspace-snapshot.ts'
import type { WorkspaceSnapshot } from '../../../machines/workspace-snapshot.ts'
import type { Supervisor } from '../../../supervisor/supervisor.ts'
import { snapshotSchema } from '../../../wire/snapshot.ts'
import type { Snapshot } from '../../../wire/snapshot.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { Problem } from '../../presenters/problem.ts'
import { isoTime } from '../../presenters/workspace.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

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
          response: responseSchemas(snapshotSchema, 'unauthenticated', 'workspace-not-found', 'not-read'),
        },
      },
      async (request): Promise<Snapshot> => {
        const stored = supervisor.findWithRevision(workspaceIdParam(request.params), request.caller)
        if (!stored) throw new Problem('workspace-not-found')
        const { revision, view } = stored
        if (view.kind === 'quarantined')
          return {
            state: 'failed',
            value: 'failed',
            revision,
            updated_at: isoTime(view.row.updatedAt),
            context: null,
          }
        return {
          state: statePath(view.snapshot.value),
          value: view.snapshot.value,
          revision,
          updated_at: isoTime(view.updatedAt),
          context: presentContext(view.snapshot.context),
        }
      },
    )
  }
}

function presentContext(context: WorkspaceSnapshot['context']): NonNullable<Snapshot['context']> {
  const { connection, createdAt, deadline, expiresAt, metadata, spec, retryAt } = context
  return {
    ...context,
    metadata: metadata && { ...metadata },
    connection: connection && { ...connection },
    createdAt: isoTime(createdAt),
    expiresAt: expiresAt === null ? null : isoTime(expiresAt),
    deadline: isoTime(deadline),
    retryAt: retryAt === 0 ? null : isoTime(retryAt),
    spec: {
      ...spec,
      containerEnv: Object.keys(spec.containerEnv),
      remoteEnv: Object.keys(spec.remoteEnv),
      forwardPorts: [...spec.forwardPorts],
      onCreate: spec.onCreate.map(presentLifecycleCommand),
      postCreate: spec.postCreate.map(presentLifecycleCommand),
      postStart: spec.postStart.map(presentLifecycleCommand),
    },
  }
}

function presentLifecycleCommand({ name, run }: WorkspaceSnapshot['context']['spec']['postStart'][number]) {
  return { name, run: typeof run === 'string' ? run : [...run] }
}
