import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Ticket } from '../../wire/ticket.ts'
import { ticket } from '../../wire/ticket.ts'
import { answers } from '../openapi.ts'
import type { Tickets } from '../tickets.ts'

export function ticketRoutes(tickets: Tickets): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/tickets',
      {
        schema: {
          tags: ['shells'],
          summary: 'Get a ticket for a WebSocket',
          description:
            'Where no header can be sent, in a browser say, `?ticket=` says who asks: once, within 30 seconds, when a WebSocket is opened.',
          response: answers(ticket, 'unauthenticated'),
        },
      },
      ({ asker }): Ticket => {
        const issued = tickets.issue(asker)
        return { ticket: issued.ticket, expires_at: new Date(issued.expiresAt).toISOString() }
      },
    )
  }
}
