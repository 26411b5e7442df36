import { createHash, randomBytes } from 'node:crypto'
import type { Asker } from '../supervisor/asked.ts'

/** Lets somebody in who cannot send a header: once, within 30 seconds. */
export interface Tickets {
  issue(asker: Asker): { readonly ticket: string; readonly expiresAt: number }
  /** Whom it stands for. `undefined`: it was used, has expired, or never was. */
  redeem(ticket: string): Asker | undefined
}

const lifetimeMs = 30_000
const most = 10_000

/** Tickets are kept in memory, as hashes; above ten thousand the oldest are void. `now` in milliseconds since the epoch. */
export function ticketOffice(now: () => number = Date.now): Tickets {
  const valid = new Map<string, { readonly asker: Asker; readonly expiresAt: number }>()
  return {
    issue(asker) {
      const ticket = randomBytes(32).toString('base64url')
      const expiresAt = now() + lifetimeMs
      valid.set(hash(ticket), { asker, expiresAt })
      for (const [oldest, one] of valid) {
        if (valid.size <= most && one.expiresAt > now()) break
        valid.delete(oldest)
      }
      return { ticket, expiresAt }
    },
    redeem(ticket) {
      const key = hash(ticket)
      const found = valid.get(key)
      valid.delete(key)
      return found && found.expiresAt > now() ? found.asker : undefined
    },
  }
}

function hash(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64url')
}

/** The ticket that a request brings; one that comes twice is none that there is. */
export function ticketIn(query: unknown): string | undefined {
  if (typeof query !== 'object' || query === null || !('ticket' in query)) return undefined
  return typeof query.ticket === 'string' ? query.ticket : ''
}

/** The address of a request as it may be logged: without a ticket, since whoever reads it could be quicker. */
export function loggedUrl(url: string): string {
  const [path = '', query] = url.split('?', 2)
  return query !== undefined && new URLSearchParams(query).has('ticket') ? `${path}?…` : url
}
