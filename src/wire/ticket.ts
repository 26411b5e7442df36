import { z } from 'zod'

/** Lets a WebSocket in, where no header can be sent: it stands for whoever asked for it, once, for 30 seconds. */
export const ticketSchema = z.object({ ticket: z.string(), expires_at: z.iso.datetime() }).meta({ id: 'Ticket' })
export type Ticket = z.infer<typeof ticketSchema>
