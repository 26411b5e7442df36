import { createHash, randomBytes } from 'node:crypto'
import type { Caller } from '../../supervisor/admission.ts'

/** Lets somebody in who cannot send a header: once, within 30 seconds. */
export interface TicketStore {
  issue(caller: Caller): { readonly ticket: string; readonly expiresAt: number }
  /** Whom it stands for. `undefined`: it was used, has expired, or never was. */
  redeem(ticket: string): Caller | undefined
}

const ticketTtlMs = 30_000
const maxTickets = 10_000

/** Tickets are kept in memory, as hashes; above ten thousand the oldest are void. `now` in milliseconds since the epoch. */
export function ticketStore(now: () => number = Date.now): TicketStore {
  const tickets = new Map<string, { readonly caller: Caller; readonly expiresAt: number }>()
  return {
    issue(caller) {
      const ticket = randomBytes(32).toString('base64url')
      const expiresAt = now() + ticketTtlMs
      tickets.set(hash(ticket), { caller, expiresAt })
      for (const [oldestKey, entry] of tickets) {
        if (tickets.size <= maxTickets && entry.expiresAt > now()) break
        tickets.delete(oldestKey)
      }
      return { ticket, expiresAt }
    },
    redeem(ticket) {
      const key = hash(ticket)
      const entry = tickets.get(key)
      tickets.delete(key)
      return entry && entry.expiresAt > now() ? entry.caller : undefined
    },
  }
}

function hash(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64url')
}

/** The ticket that a request brings; one that comes twice is none that there is. */
export function ticketFromQuery(query: unknown): string | undefined {
  if (typeof query !== 'object' || query === null || !('ticket' in query)) return undefined
  return typeof query.ticket === 'string' ? query.ticket : ''
}

/** The address of a request as it may be logged: without a ticket, since whoever reads it could be quicker. */
export function redactedUrl(url: string): string {
  const [path = '', query] = url.split('?', 2)
  return query !== undefined && new URLSearchParams(query).has('ticket') ? `${path}?…` : url
}
