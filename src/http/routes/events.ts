import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Followed } from '../../supervisor/asked.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { eventQuery, transitionEvent } from '../../wire/event.ts'
import type { TransitionEvent } from '../../wire/event.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { EventStreams } from '../event-streams.ts'
import type { Described } from '../openapi.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { lineView } from '../view.ts'
import { idOf } from '../workspace-path.ts'

type Line = ReturnType<Extract<Followed, { kind: 'following' }>['following']['read']>[number]

const stream: Described = {
  description:
    'Server-Sent Events. First `ready`, whose id is the place that the feed begins at; then a `transition` for each that is committed, with its place in the journal as its id and this as its data. `dropped` says why a stream was ended.',
  content: { 'text/event-stream': { schema: transitionEvent } },
}
const headers = z.object({
  'last-event-id': z.string().optional().meta({
    description: 'The id of the last event that was seen: the feed goes on after it, without a gap or a repeat.',
  }),
})

export function eventRoutes(supervisor: Supervisor, streams: EventStreams): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/events',
      {
        schema: {
          tags: ['events'],
          summary: 'Follow the transitions of all workspaces that one may see',
          headers,
          querystring: eventQuery,
          response: answers(stream, 'invalid', 'unauthenticated'),
        },
      },
      (request, reply) => follow(request, reply, null, request.query.after),
    )

    app.get(
      '/workspaces/:id/events',
      {
        schema: {
          tags: ['events'],
          summary: 'Follow the transitions of a workspace',
          description: 'The stream ends with the workspace; 204 when all of it was seen already.',
          params: z.object({ id: z.string() }),
          headers,
          querystring: eventQuery,
          response: answers(stream, 'invalid', 'unauthenticated', 'workspace-not-found'),
        },
      },
      (request, reply) => follow(request, reply, idOf(request.params), request.query.after),
    )

    function follow(request: FastifyRequest, reply: FastifyReply, workspace: WorkspaceId | null, query?: string): void {
      const given = request.headers['last-event-id'] ?? query
      const after = given === undefined || given === '' ? null : placeIn(String(given))
      let wake = () => {}
      const followed = supervisor.follow({ asker: request.asker, workspace, after }, () => wake())
      if (followed.kind === 'unknown') throw new Problem('workspace-not-found')
      if (followed.kind === 'no-such-place') throw new Problem('invalid', notOurs)
      // A browser that is told so does not ask again.
      if (followed.kind === 'over') return void reply.code(204).send()
      const { following, from } = followed
      let over = false
      reply.hijack()
      const { raw } = reply
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) raw.setHeader(name, value)
      // A proxy that collects an answer before it passes it on would hold up what is to be live.
      raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
      streams.begin(raw, `id: ${from}\nevent: ready\ndata: {}\n\n`, (call) => {
        wake = call
        return {
          read() {
            const lines = following.read()
            over ||= workspace !== null && lines.some(({ to }) => to === 'deleted')
            return lines.map(eventText)
          },
          over: () => over,
          close: following.close,
        }
      })
    }
  }
}

const notOurs = {
  error: 'Last-Event-ID is none that this feed had. Read the workspaces anew, and begin without one.',
  details: [{ field: 'last-event-id', problem: 'unknown' }],
}

function placeIn(given: string): number {
  if (!/^\d{1,15}$/.test(given)) throw new Problem('invalid', notOurs)
  return Number(given)
}

function eventText(line: Line): string {
  const event: TransitionEvent = { ...lineView(line), workspace: line.workspace, owner: line.owner }
  return `id: ${line.seq}\nevent: transition\ndata: ${JSON.stringify(event)}\n\n`
}
