import { createHash } from 'node:crypto'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Asker, Once, Seen, Wish } from '../../supervisor/asked.ts'
import type { Ask, Supervisor } from '../../supervisor/supervisor.ts'
import type { CreateWorkspace } from '../../wire/workspace.ts'
import { amendWorkspace, createWorkspace, deleted, listQuery, workspace } from '../../wire/workspace.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import { linkToNext, placeOf } from '../cursor.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { createdText, seenIn } from '../told.ts'
import type { LastActive } from '../view.ts'
import { view, viewText } from '../view.ts'
import { idOf } from '../workspace-path.ts'

/** How long a DELETE waits for the container to be gone; after that it is certain to go, and answered all the same. */
const deletePatienceMs = 10_000

const json = 'application/json; charset=utf-8'
const params = z.object({ id: z.string() })

export function workspaceRoutes(supervisor: Supervisor, lastActive: LastActive): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/workspaces',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'List workspaces, newest first',
          querystring: listQuery,
          response: answers(z.array(workspace), 'invalid', 'unauthenticated', 'not-read'),
        },
      },
      async (request, reply) => {
        const { cursor, status, owner, ...filter } = request.query
        if (status === 'deleting' && !request.asker.operator) throw new Problem('invalid', onlyOperators)
        const page = supervisor.list(
          {
            ...present(filter),
            ...present({ status, owner }),
            ...(cursor !== undefined && { before: placeOf('workspaces', cursor) }),
          },
          request.asker,
        )
        if (page.next !== null) void reply.header('link', linkToNext('workspaces', request.url, page.next))
        return reply.type(json).send(`[${page.workspaces.map((seen) => viewText(seen, lastActive)).join(',')}]`)
      },
    )

    app.post(
      '/workspaces',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'Create a workspace',
          description: 'It is provisioned in the background: poll it until its status is `running` or `failed`.',
          headers: z.object({
            'idempotency-key': z
              .string()
              .regex(/^[!-~]{1,255}$/, 'must be 1 to 255 printable ASCII characters without a space')
              .optional()
              .meta({
                description: 'Makes the create repeatable: the same key and body give the same answer for 24 hours.',
              }),
          }),
          body: createWorkspace,
          response: answers(
            workspace,
            'invalid',
            'malformed-json',
            'unknown-template',
            'unauthenticated',
            'name-taken',
            'body-too-large',
            'unsupported-media-type',
            'idempotency-key-reused',
            'not-read',
            'not-written',
          ),
        },
      },
      async (request, reply) => {
        const wish = wishOf(request.body)
        const key = request.headers['idempotency-key']
        const once: Once | undefined =
          key === undefined ? undefined : { key, fingerprint: fingerprint(wish), answer: viewText }
        const created = await supervisor.create(wish, request.asker, once)
        return reply.type(json).send(createdText(created))
      },
    )

    app.get(
      '/workspaces/:id',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'Get a workspace',
          params,
          response: answers(workspace, 'unauthenticated', 'workspace-not-found', 'not-read'),
        },
      },
      // What clients ask most, and nothing in it is waited for.
      (request, reply) => {
        const seen = supervisor.look(idOf(request.params), request.asker)
        if (!seen) throw new Problem('workspace-not-found')
        void reply.type(json).send(viewText(seen, lastActive))
      },
    )

    app.patch(
      '/workspaces/:id',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'Change name, TTL or metadata',
          params,
          body: amendWorkspace,
          response: commandAnswers('invalid', 'name-taken'),
        },
      },
      async (request) => {
        const { name, ttl_seconds: ttlSeconds, metadata } = request.body
        const ask = { type: 'amend', ...present({ name, ttlSeconds, metadata }) } as const
        return view(await accepted(idOf(request.params), request.asker, ask), lastActive)
      },
    )

    for (const type of ['start', 'stop', 'restart'] as const)
      app.post(
        `/workspaces/:id/${type}`,
        {
          schema: {
            tags: ['workspaces'],
            summary: `${type[0]?.toUpperCase()}${type.slice(1)} a workspace`,
            description: summaries[type],
            params,
            response: commandAnswers(),
          },
        },
        async (request) => view(await accepted(idOf(request.params), request.asker, { type }), lastActive),
      )

    app.delete(
      '/workspaces/:id',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'Delete a workspace',
          description:
            'Legal in every state. Answers once the container is gone or, if that takes longer than 10 s, once it is certain to go.',
          params,
          response: answers(deleted, 'unauthenticated', 'workspace-not-found', 'not-read', 'not-written'),
        },
      },
      async (request) => {
        const id = idOf(request.params)
        const told = await supervisor.tell(id, request.asker, { type: 'delete' })
        // An operator may delete what is being deleted: it is the same delete.
        if (told.kind !== 'refused' || !told.state.startsWith('delet')) seenIn(told)
        await supervisor.gone(id, deletePatienceMs)
        return { message: 'Workspace deleted' as const }
      },
    )

    async function accepted(id: WorkspaceId, asker: Asker, ask: Ask): Promise<Seen> {
      return seenIn(await supervisor.tell(id, asker, ask))
    }
  }
}

const summaries = {
  start: 'Runs a stopped one again, and tries a failed one again.',
  stop: 'Its files stay.',
  restart: 'Stops and starts a running one.',
} as const

const onlyOperators = {
  error: 'status: only operators see workspaces that are being deleted.',
  details: [{ field: 'status', problem: 'must be one of creating, running, stopped, failed' }],
}

const commandAnswers = (...more: Parameters<typeof answers>[1][]) =>
  answers(
    workspace,
    'malformed-json',
    'unauthenticated',
    'workspace-not-found',
    'refused-in-state',
    'body-too-large',
    'unsupported-media-type',
    'not-read',
    'not-written',
    ...more,
  )

function wishOf({ name, template, ttl_seconds, metadata }: CreateWorkspace): Wish {
  return { name, template: template ?? null, ttlSeconds: ttl_seconds ?? null, metadata: metadata ?? null }
}

function fingerprint(wish: Wish): string {
  return createHash('sha256').update(JSON.stringify(wish)).digest('hex')
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** The same without what is not there. */
function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>
}
