import { createHash } from 'node:crypto'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { CreateRequest } from '../../supervisor/admission.ts'
import type { Caller } from '../../workspace/caller.ts'
import type { UserCommandRequest } from '../../supervisor/commands.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { CreateWorkspaceBody, Workspace } from '../../wire/workspace.ts'
import {
  patchWorkspaceBodySchema,
  createWorkspaceBodySchema,
  workspaceDeletedSchema,
  workspaceStatuses,
  listWorkspacesQuerySchema,
  workspaceSchema,
} from '../../wire/workspace.ts'
import type { UserCommand } from '../../workspace/user-command.ts'
import { userCommands } from '../../workspace/user-command.ts'
import { nextPageLink, decodeCursor } from '../presenters/pagination.ts'
import { responseSchemas } from '../server/openapi.ts'
import { Problem } from '../presenters/problem.ts'
import { presentCreateResult, unwrapCommandResult } from '../presenters/command-result.ts'
import type { LastActiveAt } from '../presenters/workspace.ts'
import { presentWorkspace, workspaceJsonRenderer } from '../presenters/workspace.ts'
import { workspaceIdParam } from './workspace/workspace-id-param.ts'

/** How long a DELETE waits until the container is removed. The removal continues afterwards, so the response is the same. */
const deleteTimeoutMs = 10_000

/** Sent explicitly with bodies that are rendered as JSON text already. */
const jsonContentType = 'application/json; charset=utf-8'
const params = z.object({ id: z.string() })

/** Create, list, get, and one route for each user command. */
export function workspaceRoutes(supervisor: Supervisor, lastActiveAt: LastActiveAt): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(collectionRoutes(supervisor, lastActiveAt))
    await app.register(commandRoutes(supervisor, lastActiveAt))
    await app.register(deleteRoute(supervisor))
  }
}

function collectionRoutes(supervisor: Supervisor, lastActiveAt: LastActiveAt): FastifyPluginAsyncZod {
  const renderJson = workspaceJsonRenderer(lastActiveAt)
  return async (app) => {
    app.get('/workspaces', { schema: listSchema }, async (request, reply) => {
      const { cursor, status, owner, ...filter } = request.query
      if (status === 'deleting' && !request.caller.operator) throw new Problem('invalid', statusForOperators)
      const page = supervisor.list(
        {
          ...omitUndefined({ ...filter, status, owner }),
          ...(cursor !== undefined && { before: decodeCursor('workspaces', cursor) }),
        },
        request.caller,
      )
      if (page.next !== null) void reply.header('link', nextPageLink('workspaces', request.url, page.next))
      return reply.type(jsonContentType).send(`[${page.workspaces.map(renderJson).join(',')}]`)
    })

    app.post('/workspaces', { schema: createSchema }, async (request, reply) => {
      const createRequest = toCreateRequest(request.body)
      const key = request.headers['idempotency-key']
      const result = await supervisor.create(
        createRequest,
        request.caller,
        key === undefined
          ? undefined
          : { key, fingerprint: requestFingerprint(createRequest), renderResponse: renderJson },
      )
      return reply.type(jsonContentType).send(presentCreateResult(result, renderJson))
    })

    // The hottest route: synchronous, because nothing in it waits.
    app.get('/workspaces/:id', { schema: getSchema }, (request, reply) => {
      const view = supervisor.find(workspaceIdParam(request.params), request.caller)
      if (!view) throw new Problem('workspace-not-found')
      void reply.type(jsonContentType).send(renderJson(view))
    })
  }
}

function commandRoutes(supervisor: Supervisor, lastActiveAt: LastActiveAt): FastifyPluginAsyncZod {
  async function sendCommand(
    request: { params: { id: string }; caller: Caller },
    command: UserCommandRequest,
  ): Promise<Workspace> {
    const result = await supervisor.send(workspaceIdParam(request.params), request.caller, command)
    return presentWorkspace(unwrapCommandResult(result), lastActiveAt)
  }

  return async (app) => {
    app.patch('/workspaces/:id', { schema: patchSchema }, async (request) => {
      const { name, ttl_seconds: ttlSeconds, metadata } = request.body
      return sendCommand(request, { type: 'update', ...omitUndefined({ name, ttlSeconds, metadata }) })
    })

    for (const type of postCommands)
      app.post(
        `/workspaces/:id/${type}`,
        { schema: { tags: ['workspaces'], ...postCommandDocs[type], params, response: commandResponses() } },
        async (request) => sendCommand(request, { type }),
      )
  }
}

function deleteRoute(supervisor: Supervisor): FastifyPluginAsyncZod {
  return async (app) => {
    app.delete('/workspaces/:id', { schema: deleteSchema }, async (request) => {
      const id = workspaceIdParam(request.params)
      const result = await supervisor.send(id, request.caller, { type: 'delete' })
      // Delete is refused only while the workspace is being deleted: then this request waits for the same deletion.
      if (result.kind !== 'refused') unwrapCommandResult(result)
      await supervisor.waitUntilDeleted(id, deleteTimeoutMs)
      return { message: 'Workspace deleted' as const }
    })
  }
}

/** The commands with a route of their own: PATCH is `update`, DELETE is `delete`. */
const postCommands = userCommands.filter((command) => command !== 'update' && command !== 'delete')

const postCommandDocs = {
  start: {
    summary: 'Start a workspace',
    description: 'Starts a stopped workspace, or retries the provisioning of a failed one.',
  },
  stop: { summary: 'Stop a workspace', description: 'Stops the container. Its files are kept.' },
  restart: { summary: 'Restart a workspace', description: 'Stops a running workspace and starts it again.' },
} as const satisfies Readonly<
  Record<Exclude<UserCommand, 'update' | 'delete'>, { readonly summary: string; readonly description: string }>
>

const listSchema = {
  tags: ['workspaces'],
  summary: 'List workspaces, newest first',
  querystring: listWorkspacesQuerySchema,
  response: responseSchemas(z.array(workspaceSchema), 'invalid', 'unauthenticated', 'not-read'),
}

const createSchema = {
  tags: ['workspaces'],
  summary: 'Create a workspace',
  description:
    'Provisioning continues in the background. Poll the workspace until its status is `running` or `failed`.',
  headers: z.object({
    'idempotency-key': z
      .string()
      .regex(/^[!-~]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces')
      .optional()
      .meta({
        description:
          'Makes the request safe to repeat: for 24 hours, the same key and body get the same response and create nothing.',
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
}

const getSchema = {
  tags: ['workspaces'],
  summary: 'Get a workspace',
  params,
  response: responseSchemas(workspaceSchema, 'unauthenticated', 'workspace-not-found', 'not-read'),
}

const patchSchema = {
  tags: ['workspaces'],
  summary: 'Update name, TTL or metadata',
  description: 'Accepted in every state. Fields that are left out do not change.',
  params,
  body: patchWorkspaceBodySchema,
  response: commandResponses('invalid', 'name-taken'),
}

const deleteSchema = {
  tags: ['workspaces'],
  summary: 'Delete a workspace',
  description:
    'Accepted in every state. Responds when the container is removed, or after 10 s if the removal takes longer; it continues in the background.',
  params,
  response: responseSchemas(
    workspaceDeletedSchema,
    'unauthenticated',
    'workspace-not-found',
    'not-read',
    'not-written',
  ),
}

function commandResponses(...codes: Parameters<typeof responseSchemas>[1][]) {
  return responseSchemas(
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
}

const statusForOperators = {
  error: 'status: only operators may list workspaces that are being deleted.',
  details: [{ field: 'status', problem: `must be one of ${workspaceStatuses.join(', ')}` }],
}

function toCreateRequest({ name, template, ttl_seconds, metadata }: CreateWorkspaceBody): CreateRequest {
  return { name, template: template ?? null, ttlSeconds: ttl_seconds ?? null, metadata: metadata ?? null }
}

function requestFingerprint(request: CreateRequest): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex')
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** A copy without the properties that are `undefined`. */
function omitUndefined<T extends object>(values: T): Defined<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.fromEntries loses the types of the keys
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>
}
