import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { SubscribeResult } from '../../supervisor/queries.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { eventsQuerySchema, transitionEventSchema } from '../../wire/event.ts'
import type { TransitionEvent } from '../../wire/event.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { SseStreams } from '../server/server-sent-events.ts'
import type { ResponseContent } from '../server/openapi.ts'
import { responseSchemas } from '../server/openapi.ts'
import { Problem } from '../presenters/problem.ts'
import { presentHistoryEntry } from '../presenters/workspace.ts'
import { workspaceIdParam } from './workspace/workspace-id-param.ts'

type JournalEntry = ReturnType<Extract<SubscribeResult, { kind: 'subscribed' }>['subscription']['read']>[number]

const eventStreamContent: ResponseContent = {
  description:
    'Server-Sent Events. `ready` comes first; its id is the position at which the feed starts. Each committed transition follows as a `transition` with its position in the journal as id and this schema as data. `dropped` gives the reason why the service ended the stream.',
  content: { 'text/event-stream': { schema: transitionEventSchema } },
}
const headers = z.object({
  'last-event-id': z.string().optional().meta({
    description: 'Id of the last event received: the feed continues after it, without gaps or repeats.',
  }),
})

export function eventRoutes(supervisor: Supervisor, streams: SseStreams): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/events',
      {
        schema: {
          tags: ['events'],
          summary: 'Stream the transitions of all visible workspaces',
          headers,
          querystring: eventsQuerySchema,
          response: responseSchemas(eventStreamContent, 'invalid', 'unauthenticated'),
        },
      },
      (request, reply) => streamEvents(request, reply, null, request.query.after),
    )

    app.get(
      '/workspaces/:id/events',
      {
        schema: {
          tags: ['events'],
          summary: 'Stream the transitions of a workspace',
          description:
            'The stream ends when the workspace is deleted. Responds 204 if the client has received all events of a deleted workspace.',
          params: z.object({ id: z.string() }),
          headers,
          querystring: eventsQuerySchema,
          response: responseSchemas(eventStreamContent, 'invalid', 'unauthenticated', 'workspace-not-found'),
        },
      },
      (request, reply) => streamEvents(request, reply, workspaceIdParam(request.params), request.query.after),
    )

    function streamEvents(
      request: FastifyRequest,
      reply: FastifyReply,
      workspace: WorkspaceId | null,
      afterQuery?: string,
    ): void {
      const lastEventId = request.headers['last-event-id'] ?? afterQuery
      const after = lastEventId === undefined || lastEventId === '' ? null : parseEventId(String(lastEventId))
      let wake = () => {}
      const result = supervisor.subscribe({ caller: request.caller, workspace, after }, () => wake())
      if (result.kind === 'not-found') throw new Problem('workspace-not-found')
      if (result.kind === 'unknown-position') throw new Problem('invalid', unknownEventId)
      // After a 204, browsers do not reconnect.
      if (result.kind === 'ended') return void reply.code(204).send()
      const { subscription, from } = result
      let isDone = false
      reply.hijack()
      const { raw } = reply
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) raw.setHeader(name, value)
      // Keeps proxies from buffering the live stream.
      raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
      streams.start(raw, `id: ${from}\nevent: ready\ndata: {}\n\n`, (notify) => {
        wake = notify
        return {
          read() {
            const entries = subscription.read()
            isDone ||= workspace !== null && entries.some(({ to }) => to === 'deleted')
            return entries.map(formatEvent)
          },
          isDone: () => isDone,
          close: subscription.close,
        }
      })
    }
  }
}

const unknownEventId = {
  error: 'Last-Event-ID: this feed has no such event. List the workspaces, then start without a Last-Event-ID.',
  details: [{ field: 'last-event-id', problem: 'unknown' }],
}

function parseEventId(eventId: string): number {
  if (!/^\d{1,15}$/.test(eventId)) throw new Problem('invalid', unknownEventId)
  return Number(eventId)
}

function formatEvent(entry: JournalEntry): string {
  const event: TransitionEvent = { ...presentHistoryEntry(entry), workspace: entry.workspace, owner: entry.owner }
  return `id: ${entry.seq}\nevent: transition\ndata: ${JSON.stringify(event)}\n\n`
}
