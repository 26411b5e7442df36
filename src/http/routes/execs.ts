import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Execs } from '../../access/execs.ts'
import type { Place } from '../../access/output-readers.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { execDone, execLine, execList, execQuery, execRun, killExec, startExec } from '../../wire/exec.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import { streamBodies, streamIn } from '../body.ts'
import { execType, sendLines } from '../exec-stream.ts'
import { beganIn, fedIn, goneLine, notUp, providerFailed, runView, wishOf } from '../exec-told.ts'
import type { Described } from '../openapi.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { idOf } from '../workspace-path.ts'

const usualRuns = 100

const stream: Described = {
  description:
    'A line for each piece of output, and a last one that says how it ended; without that, it is unfinished. An empty one is a sign of life.',
  content: { [execType]: { schema: execLine } },
}
const ofWorkspace = z.object({ id: z.string() })
const ofRun = z.object({ id: z.string(), exec_id: z.string() })
const lookedUp = ['unauthenticated', 'workspace-not-found', 'not-read'] as const

type Asked = Pick<FastifyRequest, 'asker'> & { readonly params: { readonly id: string } }
type AskedOfRun = Asked & { readonly params: { readonly exec_id: string } }
type Found = NonNullable<Awaited<ReturnType<Execs['find']>>>

export function execRoutes(supervisor: Supervisor, execs: Execs, ending: AbortSignal): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/workspaces/:id/exec',
      {
        schema: {
          tags: ['exec'],
          summary: 'Run a command',
          description:
            'Answers as soon as it has begun; `x-exec-id` names the run. It goes on if the connection is lost. At most 128 run in a workspace at a time.',
          params: ofWorkspace,
          body: startExec,
          response: answers(
            stream,
            'invalid',
            'malformed-json',
            'not-runnable',
            ...lookedUp,
            'refused-in-state',
            'body-too-large',
            'unsupported-media-type',
            'exec-id-reused',
            'too-many-runs',
            'not-written',
            'provider-failed',
          ),
        },
      },
      async (request, reply) => {
        const { reached } = place(request)
        if (reached.kind === 'unreadable' || !reached.up)
          throw notUp(reached.kind === 'unreadable' ? 'failed' : reached.state)
        const began = await execs.begin(reached, wishOf(request.body), `user:${request.asker.owner}`)
        return show(reply, beganIn(began), { after: null, follow: true })
      },
    )

    app.get(
      '/workspaces/:id/exec',
      {
        schema: {
          tags: ['exec'],
          summary: 'List the commands that were run, newest first',
          params: ofWorkspace,
          querystring: execList,
          response: answers(z.array(execRun), 'invalid', ...lookedUp),
        },
      },
      async (request) => execs.recent(place(request).id, request.query.limit ?? usualRuns).map(runView),
    )

    app.get(
      '/workspaces/:id/exec/:exec_id',
      {
        schema: {
          tags: ['exec'],
          summary: 'Read the output of a run',
          description:
            'Goes on after a line without a gap or a repeat, or begins with the oldest that is kept: of each run up to 1 MiB, for an hour after its end.',
          params: ofRun,
          querystring: execQuery,
          response: answers(stream, 'invalid', ...lookedUp, 'exec-not-found', 'output-gone'),
        },
      },
      async (request, reply) => {
        const found = await run(request)
        if (request.method === 'HEAD') return reply.type(execType).send()
        const { after = null, follow } = request.query
        return show(reply, found, { after, follow: follow === 'true' })
      },
    )

    app.post(
      '/workspaces/:id/exec/:exec_id/kill',
      {
        schema: {
          tags: ['exec'],
          summary: 'Send a signal to all that a run started',
          description:
            'One that has ended already is no error. What is left of a lost one is killed, whatever the signal.',
          params: ofRun,
          body: killExec.nullish(),
          response: answers(
            execDone,
            'invalid',
            'malformed-json',
            ...lookedUp,
            'exec-not-found',
            'body-too-large',
            'unsupported-media-type',
            'provider-failed',
          ),
        },
      },
      async (request) => {
        const found = await run(request)
        const signal = request.body?.signal ?? 'SIGTERM'
        if (found.kind === 'held' && found.run.ended()) return { message: 'The run has ended already.' }
        if (found.kind === 'held') {
          const sent = await found.run.signal(signal)
          if (!sent.ok) throw providerFailed(sent.fault)
          return { message: `${signal} was sent.` }
        }
        const { reached } = place(request)
        if (found.logged.error !== 'lost' || reached.kind !== 'reached' || !reached.up)
          return { message: 'The run has ended already.' }
        const killed = await execs.endLost(reached, found.execId)
        if (!killed.ok) throw providerFailed(killed.fault)
        return { message: 'What was left of the run was killed.' }
      },
    )

    const input: FastifyPluginAsyncZod = async (streams) => {
      streamBodies(streams)
      streams.put(
        '/workspaces/:id/exec/:exec_id/stdin',
        {
          schema: {
            tags: ['exec'],
            summary: 'Give a run its input',
            description:
              'To one that was started with `"stdin": "stream"`, once: the body, of any type and length, is its input, and its end is the end of that. A body that is cut off kills the run.',
            params: ofRun,
            response: answers(execDone, ...lookedUp, 'exec-not-found', 'stdin-not-open', 'unsupported-media-type'),
          },
        },
        async (request) => {
          const found = await run(request)
          if (found.kind !== 'held') throw new Problem('stdin-not-open')
          return fedIn(await found.run.feed(streamIn(request)))
        },
      )
    }
    await app.register(input)

    /** Where a request leads to. To strangers there is nothing (law 11). */
    function place({ asker, params }: Asked) {
      const id: WorkspaceId = idOf(params)
      const reached = supervisor.reach(id, asker)
      if (reached.kind === 'unknown') throw new Problem('workspace-not-found')
      return { id, reached }
    }

    async function run(request: AskedOfRun): Promise<Found> {
      const found = await execs.find(place(request).id, request.params.exec_id)
      if (!found) throw new Problem('exec-not-found')
      return found
    }

    function show(reply: FastifyReply, found: Found, from: Place) {
      void reply.header('x-exec-id', found.execId)
      if (found.kind === 'past') return reply.type(execType).send(goneLine(found.logged, from.after))
      const refused = sendLines(reply, ending, (wake) => found.run.attach(from, wake))
      switch (refused?.kind) {
        case undefined:
          return reply
        case 'output-gone':
          throw new Problem('output-gone', {
            error: `That part of the output is not kept any more. The oldest line that is kept has the seq ${refused.oldest}.`,
          })
        case 'no-such-line':
          throw new Problem('invalid', {
            error: `after: the run has no such line yet; its newest has the seq ${refused.newest}.`,
            details: [{ field: 'after', problem: `must be at most ${refused.newest}` }],
          })
        default:
          return refused satisfies never
      }
    }
  }
}
