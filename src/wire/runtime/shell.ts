import { z } from 'zod'
import { nulFreeTextSchema } from './exec.ts'

// Frames of a shell's WebSocket. Binary frames carry the bytes of the terminal in both directions; text frames carry these messages as JSON.

const columnsSchema = z.int().min(1).max(1000)
const rowsSchema = z.int().min(1).max(1000)

export const shellQuerySchema = z.object({
  session: z.uuid().optional().meta({ description: 'Reattaches to this session. Without it, a new session starts.' }),
  columns: z.coerce.number().pipe(columnsSchema).default(80),
  rows: z.coerce.number().pipe(rowsSchema).default(24),
  argv: z
    .union([nulFreeTextSchema, z.array(nulFreeTextSchema).min(1).max(4096)])
    .optional()
    .meta({ description: 'A program to run instead of the shell; repeat the parameter for each argument.' }),
  user: nulFreeTextSchema.min(1).optional().meta({ description: 'Default: the `remoteUser` of the template.' }),
  ticket: z
    .string()
    .optional()
    .meta({ description: 'From POST /api/v1/tickets, for clients that cannot send headers.' }),
})

/** Messages from the client. */
export const shellClientMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('resize'), columns: columnsSchema, rows: rowsSchema }),
])

/** Messages from the service. */
export const shellServerMessageSchema = z.discriminatedUnion('type', [
  /** Always the first frame. If the session is resumed, a binary frame with the current screen follows. */
  z.object({ type: z.literal('session'), session: z.uuid(), resumed: z.boolean() }),
  /** The shell has ended; the service then closes the connection. Has exactly one of `exit_code`, `signal` and `error`. */
  z.object({
    type: z.literal('ended'),
    exit_code: z.int().optional(),
    signal: z.string().optional(),
    error: z.string().optional(),
  }),
  /** Another client has taken over the session; the service then closes the connection. */
  z.object({ type: z.literal('taken-over') }),
])
export type ShellServerMessage = z.infer<typeof shellServerMessageSchema>

/** Authenticates one WebSocket as the caller who requested the ticket, once, within 30 seconds. For clients that cannot send headers. */
export const ticketSchema = z.object({ ticket: z.string(), expires_at: z.iso.datetime() }).meta({ id: 'Ticket' })
export type Ticket = z.infer<typeof ticketSchema>
