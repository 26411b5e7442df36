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
          summary: 'Create a ticket for a WebSocket',
          description:
            'For clients that cannot send headers with a WebSocket, such as browsers. `?ticket=` authenticates the caller once, within 30 seconds.',
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
