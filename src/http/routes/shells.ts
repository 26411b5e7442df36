import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ShellSession } from '../../access/shell-session.ts'
import type { Opened, Shells, ShellWanted } from '../../access/shells.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { shellNotice, shellQuery } from '../../wire/shell.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { notWritten } from '../told.ts'
import { connectShell } from '../shell-socket.ts'
import { idOf } from '../workspace-path.ts'

/** How long a shell may take to start. */
const startMs = 30_000
/** A proxy that hears nothing for a minute usually closes a connection. */
const pingMs = 20_000

interface Asked extends Pick<FastifyRequest, 'asker' | 'ws' | 'raw'> {
  readonly params: { readonly id: string }
  readonly query: z.infer<typeof shellQuery>
}

export function shellRoutes(supervisor: Supervisor, shells: Shells): FastifyPluginAsyncZod {
  return async (app) => {
    /** What is behind a request, found before it is answered: a refusal is an ordinary answer then. */
    const found = new WeakMap<object, ShellSession>()

    app.route({
      method: 'GET',
      url: '/workspaces/:id/shell',
      schema: {
        tags: ['shells'],
        summary: 'Open a shell',
        description:
          'A WebSocket. Binary frames are what is typed and what is written; text frames are JSON: the client sends `{"type":"resize","columns","rows"}`, the service tells what is described here. A lost connection is opened again with `session`; a shell that nobody looks at is hung up after five minutes, or at once if the client closes with code 1000. 200 stands for 101.',
        params: z.object({ id: z.string() }),
        querystring: shellQuery,
        response: answers(
          shellNotice,
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
      preHandler: async (request) => void found.set(request, await sessionFor(request)),
      handler() {
        throw upgradeRequired()
      },
      wsHandler(socket, request) {
        const session = found.get(request)
        if (session) connectShell(socket, session, request.query, pingMs)
      },
    })

    async function sessionFor({ asker, params, query, raw, ws }: Asked): Promise<ShellSession> {
      const id = idOf(params)
      const reached = supervisor.reach(id, asker)
      if (reached.kind === 'unknown') throw new Problem('workspace-not-found')
      const kept = query.session === undefined ? undefined : shells.find(id, query.session)
      if (kept && !ws) throw upgradeRequired()
      if (kept) return kept
      if (reached.kind === 'unreadable' || !reached.up)
        throw notUp(reached.kind === 'unreadable' ? 'failed' : reached.state)
      if (query.session !== undefined) throw new Problem('shell-not-found')
      if (shells.isFull(id)) throw new Problem('too-many-runs')
      if (!ws) throw upgradeRequired()
      const whyDown = () => {
        const now = supervisor.reach(id, asker)
        if (now.kind === 'unknown') return 'The workspace was deleted.'
        return now.kind === 'reached' && now.up ? null : 'The workspace was stopped.'
      }
      const left = new AbortController()
      raw.socket.once('close', () => left.abort())
      const opened = await shells.open(
        { ...reached, by: `user:${asker.owner}`, size: query, whyDown, ...programIn(query) },
        AbortSignal.any([left.signal, AbortSignal.timeout(startMs)]),
      )
      if (opened.kind !== 'opened') throw problemOf(opened)
      if (left.signal.aborted) void opened.session.hangUp()
      return opened.session
    }
  }
}

function problemOf(opened: Exclude<Opened, { kind: 'opened' }>): Problem {
  switch (opened.kind) {
    case 'too-many':
      return new Problem('too-many-runs')
    case 'closing':
      return new Problem('shutting-down', { headers: { 'retry-after': '5' } })
    case 'not-written':
      return notWritten(opened.error)
    case 'fault':
      return opened.fault.again === 'never'
        ? new Problem('not-runnable', { error: opened.fault.message })
        : new Problem('provider-failed', { error: opened.fault.message, headers: { 'retry-after': '5' } })
    default:
      return opened satisfies never
  }
}

function notUp(state: string): Problem {
  return new Problem('refused-in-state', {
    error: `A shell needs a workspace that runs, and this one is in state "${state}".`,
    state,
  })
}

function programIn({ argv, user }: Asked['query']): Pick<ShellWanted, 'argv' | 'user'> {
  return { ...(argv !== undefined && { argv: [argv].flat() }), ...(user !== undefined && { user }) }
}

function upgradeRequired(): Problem {
  return new Problem('upgrade-required', { headers: { upgrade: 'websocket', connection: 'close, upgrade' } })
}
