import { createHash, randomBytes } from 'node:crypto'
import type { Caller } from '../../workspace/caller.ts'

/** Tickets authenticate clients that cannot send headers: once each, within 30 seconds. */
export interface TicketStore {
  issue(caller: Caller): { readonly ticket: string; readonly expiresAt: number }
  /** The caller that the ticket was issued to; `undefined` for a ticket that is used, expired or unknown. */
  redeem(ticket: string): Caller | undefined
}

const ticketTtlMs = 30_000
const maxTickets = 10_000

/** Keeps tickets in memory, as hashes. The oldest become invalid above 10,000. `now` is in milliseconds since the epoch. */
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

/** The ticket in a query; a repeated parameter yields the empty string, which is never valid. */
export function ticketFromQuery(query: unknown): string | undefined {
  if (typeof query !== 'object' || query === null || !('ticket' in query)) return undefined
  return typeof query.ticket === 'string' ? query.ticket : ''
}

/** The URL of a request for the log. The query is left out if it contains a ticket, which a reader of the log could redeem first. */
export function redactedUrl(url: string): string {
  const [path = '', query] = url.split('?', 2)
  return query !== undefined && new URLSearchParams(query).has('ticket') ? `${path}?…` : url
}
