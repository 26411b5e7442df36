import { createHash } from 'node:crypto'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Caller, IdempotentRequest, CreateRequest } from '../../supervisor/admission.ts'
import type { WorkspaceView } from '../../supervisor/actors.ts'
import type { UserCommandRequest } from '../../supervisor/commands.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { CreateWorkspaceBody } from '../../wire/workspace.ts'
import {
  patchWorkspaceBodySchema,
  createWorkspaceBodySchema,
  workspaceDeletedSchema,
  listWorkspacesQuerySchema,
  workspaceSchema,
} from '../../wire/workspace.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import { nextPageLink, decodeCursor } from '../presenters/pagination.ts'
import { responseSchemas } from '../server/openapi.ts'
import { Problem } from '../presenters/problem.ts'
import { presentCreateResult, unwrapCommandResult } from '../presenters/command-result.ts'
import type { LastActiveAt } from '../presenters/workspace.ts'
import { presentWorkspace, presentWorkspaceJson } from '../presenters/workspace.ts'
import { workspaceIdParam } from './workspace/workspace-id-param.ts'

/** How long a DELETE waits for the container to be gone; after that it is certain to go, and answered all the same. */
const deleteTimeoutMs = 10_000

const jsonContentType = 'application/json; charset=utf-8'
const params = z.object({ id: z.string() })

export function workspaceRoutes(supervisor: Supervisor, lastActiveAt: LastActiveAt): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/workspaces',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'List workspaces, newest first',
          querystring: listWorkspacesQuerySchema,
          response: responseSchemas(z.array(workspaceSchema), 'invalid', 'unauthenticated', 'not-read'),
        },
      },
      async (request, reply) => {
        const { cursor, status, owner, ...filter } = request.query
        if (status === 'deleting' && !request.caller.operator) throw new Problem('invalid', operatorsOnly)
        const page = supervisor.list(
          {
            ...omitUndefined(filter),
            ...omitUndefined({ status, owner }),
            ...(cursor !== undefined && { before: decodeCursor('workspaces', cursor) }),
          },
          request.caller,
        )
        if (page.next !== null) void reply.header('link', nextPageLink('workspaces', request.url, page.next))
        return reply
          .type(jsonContentType)
          .send(
            `[${page.workspaces.map((workspaceView) => presentWorkspaceJson(workspaceView, lastActiveAt)).join(',')}]`,
          )
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
          body: createWorkspaceBodySchema,
          response: responseSchemas(
            workspaceSchema,
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
        const createRequest = toCreateRequest(request.body)
        const key = request.headers['idempotency-key']
        const idempotent: IdempotentRequest | undefined =
          key === undefined
            ? undefined
            : { key, fingerprint: requestFingerprint(createRequest), renderResponse: presentWorkspaceJson }
        const result = await supervisor.create(createRequest, request.caller, idempotent)
        return reply.type(jsonContentType).send(presentCreateResult(result))
      },
    )

    app.get(
      '/workspaces/:id',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'Get a workspace',
          params,
          response: responseSchemas(workspaceSchema, 'unauthenticated', 'workspace-not-found', 'not-read'),
        },
      },
      // What clients ask most, and nothing in it is waited for.
      (request, reply) => {
        const workspaceView = supervisor.find(workspaceIdParam(request.params), request.caller)
        if (!workspaceView) throw new Problem('workspace-not-found')
        void reply.type(jsonContentType).send(presentWorkspaceJson(workspaceView, lastActiveAt))
      },
    )

    app.patch(
      '/workspaces/:id',
      {
        schema: {
          tags: ['workspaces'],
          summary: 'Change name, TTL or metadata',
          params,
          body: patchWorkspaceBodySchema,
          response: commandResponses('invalid', 'name-taken'),
        },
      },
      async (request) => {
        const { name, ttl_seconds: ttlSeconds, metadata } = request.body
        const command = { type: 'update', ...omitUndefined({ name, ttlSeconds, metadata }) } as const
        return presentWorkspace(
          await sendCommand(workspaceIdParam(request.params), request.caller, command),
          lastActiveAt,
        )
      },
    )

    for (const type of ['start', 'stop', 'restart'] as const)
      app.post(
        `/workspaces/:id/${type}`,
        {
          schema: {
            tags: ['workspaces'],
            summary: `${type[0]?.toUpperCase()}${type.slice(1)} a workspace`,
            description: descriptions[type],
            params,
            response: commandResponses(),
          },
        },
        async (request) =>
          presentWorkspace(await sendCommand(workspaceIdParam(request.params), request.caller, { type }), lastActiveAt),
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
          response: responseSchemas(
            workspaceDeletedSchema,
            'unauthenticated',
            'workspace-not-found',
            'not-read',
            'not-written',
          ),
        },
      },
      async (request) => {
        const id = workspaceIdParam(request.params)
        const result = await supervisor.send(id, request.caller, { type: 'delete' })
        // An operator may delete what is being deleted: it is the same delete.
        if (result.kind !== 'refused' || !result.state.startsWith('delet')) unwrapCommandResult(result)
        await supervisor.waitUntilDeleted(id, deleteTimeoutMs)
        return { message: 'Workspace deleted' as const }
      },
    )

    async function sendCommand(id: WorkspaceId, caller: Caller, command: UserCommandRequest): Promise<WorkspaceView> {
      return unwrapCommandResult(await supervisor.send(id, caller, command))
    }
  }
}

const descriptions = {
  start: 'Runs a stopped one again, and tries a failed one again.',
  stop: 'Its files stay.',
  restart: 'Stops and starts a running one.',
} as const

const operatorsOnly = {
  error: 'status: only operators see workspaces that are being deleted.',
  details: [{ field: 'status', problem: 'must be one of creating, running, stopped, failed' }],
}

const commandResponses = (...codes: Parameters<typeof responseSchemas>[1][]) =>
  responseSchemas(
    workspaceSchema,
    'malformed-json',
    'unauthenticated',
    'workspace-not-found',
    'refused-in-state',
    'body-too-large',
    'unsupported-media-type',
    'not-read',
    'not-written',
    ...codes,
  )

function toCreateRequest({ name, template, ttl_seconds, metadata }: CreateWorkspaceBody): CreateRequest {
  return { name, template: template ?? null, ttlSeconds: ttl_seconds ?? null, metadata: metadata ?? null }
}

function requestFingerprint(request: CreateRequest): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex')
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** The same without what is not there. */
function omitUndefined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>
}
