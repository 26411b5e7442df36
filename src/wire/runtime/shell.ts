import { z } from 'zod'
import { nulFreeTextSchema } from './exec.ts'

// What goes through the WebSocket of a shell. Binary frames are the terminal's bytes, either way; text frames are these, as JSON.

const columnsSchema = z.int().min(1).max(1000)
const rowsSchema = z.int().min(1).max(1000)

export const shellQuerySchema = z.object({
  session: z
    .uuid()
    .optional()
    .meta({ description: 'Goes back to a session that is kept; a new one begins otherwise.' }),
  columns: z.coerce.number().pipe(columnsSchema).default(80),
  rows: z.coerce.number().pipe(rowsSchema).default(24),
  argv: z
    .union([nulFreeTextSchema, z.array(nulFreeTextSchema).min(1).max(4096)])
    .optional()
    .meta({ description: 'A program in place of the shell; given again for each of its arguments.' }),
  user: nulFreeTextSchema.min(1).optional().meta({ description: "By default the template's `remoteUser`." }),
  ticket: z.string().optional().meta({ description: 'From POST /api/v1/tickets, where no header can be sent.' }),
})

/** From the client. */
export const shellClientMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('resize'), columns: columnsSchema, rows: rowsSchema }),
])
export type ShellClientMessage = z.infer<typeof shellClientMessageSchema>

/** From the service. */
export const shellServerMessageSchema = z.discriminatedUnion('type', [
  /** The first frame. The screen as it was follows as binary frames, if the session is resumed. */
  z.object({ type: z.literal('session'), session: z.uuid(), resumed: z.boolean() }),
  /** The shell has ended; the connection is closed then. One of `exit_code`, `signal` and `error` is there. */
  z.object({
    type: z.literal('ended'),
    exit_code: z.int().optional(),
    signal: z.string().optional(),
    error: z.string().optional(),
  }),
  /** Another client has taken the session over; the connection is closed then. */
  z.object({ type: z.literal('taken-over') }),
])
export type ShellServerMessage = z.infer<typeof shellServerMessageSchema>

/** Lets a WebSocket in, where no header can be sent: it stands for whoever asked for it, once, for 30 seconds. */
export const ticketSchema = z.object({ ticket: z.string(), expires_at: z.iso.datetime() }).meta({ id: 'Ticket' })
export type Ticket = z.infer<typeof ticketSchema>
