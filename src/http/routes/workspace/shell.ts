import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ShellSession } from '../../../runtime/shell/shell-session.ts'
import type { OpenShellResult, Shells, OpenShellRequest } from '../../../runtime/shell/shells.ts'
import type { Supervisor } from '../../../supervisor/supervisor.ts'
import { shellServerMessageSchema, shellQuerySchema } from '../../../wire/runtime/shell.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { Problem } from '../../presenters/problem.ts'
import { notWrittenProblem } from '../../presenters/command-result.ts'
import { connectShell } from './shell-websocket.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

/** How long a shell may take to start. */
const startTimeoutMs = 30_000
/** A proxy that hears nothing for a minute usually closes a connection. */
const pingIntervalMs = 20_000

interface ShellUpgradeRequest extends Pick<FastifyRequest, 'caller' | 'ws' | 'raw'> {
  readonly params: { readonly id: string }
  readonly query: z.infer<typeof shellQuerySchema>
}

export function shellRoutes(supervisor: Supervisor, shells: Shells): FastifyPluginAsyncZod {
  return async (app) => {
    /** What is behind a request, found before it is answered: a refusal is an ordinary answer then. */
    const sessions = new WeakMap<object, ShellSession>()

    app.route({
      method: 'GET',
      url: '/workspaces/:id/shell',
      schema: {
        tags: ['shells'],
        summary: 'Open a shell',
        description:
          'A WebSocket. Binary frames are what is typed and what is written; text frames are JSON: the client sends `{"type":"resize","columns","rows"}`, the service tells what is described here. A lost connection is opened again with `session`; a shell that nobody looks at is hung up after five minutes, or at once if the client closes with code 1000. 200 stands for 101.',
        params: z.object({ id: z.string() }),
        querystring: shellQuerySchema,
        response: responseSchemas(
          shellServerMessageSchema,
          'invalid',
          'not-runnable',
          'unauthenticated',
          'workspace-not-found',
          'shell-not-found',
          'refused-in-state',
          'upgrade-required',
          'too-many-runs',
          'not-written',
          'provider-failed',
        ),
      },
      preHandler: async (request) => void sessions.set(request, await resolveSession(request)),
      handler() {
        throw upgradeRequired()
      },
      wsHandler(socket, request) {
        const session = sessions.get(request)
        if (session) connectShell(socket, session, request.query, pingIntervalMs)
      },
    })

    async function resolveSession({ caller, params, query, raw, ws }: ShellUpgradeRequest): Promise<ShellSession> {
      const id = workspaceIdParam(params)
      const resolved = supervisor.resolve(id, caller)
      if (resolved.kind === 'not-found') throw new Problem('workspace-not-found')
      const existing = query.session === undefined ? undefined : shells.find(id, query.session)
      if (existing && !ws) throw upgradeRequired()
      if (existing) return existing
      if (resolved.kind === 'quarantined' || !resolved.ready)
        throw notRunningForShell(resolved.kind === 'quarantined' ? 'failed' : resolved.state)
      if (query.session !== undefined) throw new Problem('shell-not-found')
      if (shells.isFull(id)) throw new Problem('too-many-runs')
      if (!ws) throw upgradeRequired()
      const downReason = () => {
        const current = supervisor.resolve(id, caller)
        if (current.kind === 'not-found') return 'The workspace was deleted.'
        return current.kind === 'found' && current.ready ? null : 'The workspace was stopped.'
      }
      const disconnected = new AbortController()
      raw.socket.once('close', () => disconnected.abort())
      const result = await shells.open(
        { ...resolved, by: `user:${caller.owner}`, size: query, downReason, ...shellProgram(query) },
        AbortSignal.any([disconnected.signal, AbortSignal.timeout(startTimeoutMs)]),
      )
      if (result.kind !== 'opened') throw openShellProblem(result)
      if (disconnected.signal.aborted) void result.session.hangUp()
      return result.session
    }
  }
}

function openShellProblem(result: Exclude<OpenShellResult, { kind: 'opened' }>): Problem {
  switch (result.kind) {
    case 'limit-reached':
      return new Problem('too-many-runs')
    case 'shutting-down':
      return new Problem('shutting-down', { headers: { 'retry-after': '5' } })
    case 'write-failed':
      return notWrittenProblem(result.error)
    case 'fault':
      return result.fault.kind === 'permanent'
        ? new Problem('not-runnable', { error: result.fault.message })
        : new Problem('provider-failed', { error: result.fault.message, headers: { 'retry-after': '5' } })
    default:
      return result satisfies never
  }
}

function notRunningForShell(state: string): Problem {
  return new Problem('refused-in-state', {
    error: `A shell needs a workspace that runs, and this one is in state "${state}".`,
    state,
  })
}

function shellProgram({ argv, user }: ShellUpgradeRequest['query']): Pick<OpenShellRequest, 'argv' | 'user'> {
  return { ...(argv !== undefined && { argv: [argv].flat() }), ...(user !== undefined && { user }) }
}

function upgradeRequired(): Problem {
  return new Problem('upgrade-required', { headers: { upgrade: 'websocket', connection: 'close, upgrade' } })
}
