import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ShellSession } from '../../../runtime/shell/shell-session.ts'
import type { ShellFindResult, ShellOpenRefusal, ShellOpenResult, Shells } from '../../../runtime/shell/shells.ts'
import { shellQuerySchema, shellServerMessageSchema } from '../../../wire/runtime/shell.ts'
import { notRunningProblem, startRefusalProblem } from '../../presenters/exec.ts'
import { Problem } from '../../presenters/problem.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { connectShell } from './shell-websocket.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

/** Proxies usually close a connection that is silent for a minute. */
const pingIntervalMs = 20_000

const shellSchema = {
  tags: ['shells'],
  summary: 'Open a shell',
  description:
    'A WebSocket. Binary frames carry what is typed and what the shell writes; text frames are JSON: the client sends `{"type":"resize","columns","rows"}`, the service sends the messages described here. After a lost connection, connect again with `session`; a shell without a client is hung up after five minutes, or at once if the client closes with code 1000. 200 stands for 101.',
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
}

interface ShellUpgradeRequest extends Pick<FastifyRequest, 'caller' | 'ws' | 'raw'> {
  readonly params: { readonly id: string }
  readonly query: z.infer<typeof shellQuerySchema>
}

export function shellRoutes(shells: Shells): FastifyPluginAsyncZod {
  /** The session of each request, resolved before the upgrade so that a refusal is an ordinary response. */
  const sessions = new WeakMap<object, ShellSession>()

  async function resolveSession({ caller, params, query, raw, ws }: ShellUpgradeRequest): Promise<ShellSession> {
    const id = workspaceIdParam(params)
    if (query.session !== undefined) {
      const found = unwrapShell(shells.find(id, caller, query.session))
      if (ws) return found
    } else if (ws) {
      const disconnected = new AbortController()
      raw.socket.once('close', () => disconnected.abort())
      const { argv, user = null } = query
      const request = { size: query, argv: argv === undefined ? null : [argv].flat(), user }
      return unwrapShell(await shells.open(id, caller, request, disconnected.signal))
    }
    const refusal = query.session === undefined ? shells.refusal(id, caller) : null
    throw refusal
      ? shellProblem(refusal)
      : new Problem('upgrade-required', { headers: { upgrade: 'websocket', connection: 'close, upgrade' } })
  }

  return async (app) => {
    app.route({
      method: 'GET',
      url: '/workspaces/:id/shell',
      schema: shellSchema,
      preHandler: async (request) => void sessions.set(request, await resolveSession(request)),
      handler() {
        throw new Error('a shell request without an upgrade is refused before its handler')
      },
      wsHandler(socket, request) {
        const session = sessions.get(request)
        if (session) connectShell(socket, session, request.query, pingIntervalMs)
      },
    })
  }
}

function unwrapShell(result: ShellOpenResult | ShellFindResult): ShellSession {
  if (result.kind === 'opened' || result.kind === 'found') return result.session
  throw result.kind === 'shell-not-found' ? new Problem('shell-not-found') : shellProblem(result)
}

function shellProblem(refusal: ShellOpenRefusal): Problem {
  if (refusal.kind === 'not-found') return new Problem('workspace-not-found')
  if (refusal.kind === 'not-running') return notRunningProblem('A shell needs', refusal.state)
  return startRefusalProblem(refusal)
}
