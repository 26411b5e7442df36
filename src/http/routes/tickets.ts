import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Ticket } from '../../wire/runtime/shell.ts'
import { ticketSchema } from '../../wire/runtime/shell.ts'
import { responseSchemas } from '../server/openapi.ts'
import type { TicketStore } from '../server/ticket-store.ts'

export function ticketRoutes(tickets: TicketStore): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/tickets',
      {
        schema: {
          tags: ['shells'],
          summary: 'Get a ticket for a WebSocket',
          description:
            'Where no header can be sent, in a browser say, `?ticket=` says who asks: once, within 30 seconds, when a WebSocket is opened.',
          response: responseSchemas(ticketSchema, 'unauthenticated'),
        },
      },
      ({ caller }): Ticket => {
        const issued = tickets.issue(caller)
        return { ticket: issued.ticket, expires_at: new Date(issued.expiresAt).toISOString() }
      },
    )
  }
}
