import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Caller } from '../../workspace/caller.ts'
import type { Owner } from '../../workspace/id.ts'
import { parseOwner } from '../../workspace/id.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated caller. Set on all routes below /api/v1. */
    caller: Caller
  }
}

export interface AuthSettings {
  /** `dev` trusts the user headers of every client and binds the loopback interface only. `proxy` trusts those of trusted proxies, and never `x-user`. */
  readonly mode: 'dev' | 'proxy'
  readonly isTrustedProxy: (address: string) => boolean
  /** The `X-VM-Proxy-Secret` that a trusted proxy must send; `null` if none is required. */
  readonly proxySecret: string | null
  readonly operators: ReadonlySet<Owner>
}

const userHeaders = {
  proxy: ['x-vm-user', 'x-forwarded-user'],
  dev: ['x-vm-user', 'x-forwarded-user', 'x-user'],
} as const

/**
 * The caller of a request, or `undefined` if it is not authenticated. The first user header that is present decides: falling back from an
 * invalid one to a less trusted one would be unsafe. Node joins repeated headers with a comma, which no user name may contain.
 */
export function authenticateCaller(
  headers: IncomingHttpHeaders,
  address: string,
  settings: AuthSettings,
): Caller | undefined {
  const { mode, operators, proxySecret, isTrustedProxy } = settings
  if (mode === 'proxy' && !isTrustedProxy(address)) return undefined
  if (mode === 'proxy' && proxySecret !== null && !isSameSecret(headers['x-vm-proxy-secret'], proxySecret))
    return undefined
  const header = userHeaders[mode].find((name) => headers[name] !== undefined)
  const value = header && headers[header]
  const owner = typeof value === 'string' ? parseOwner(value) : undefined
  return owner && { owner, operator: operators.has(owner) }
}

/** Compares digests, so that the duration reveals neither the content nor the length of the secret. */
export function isSameSecret(candidate: string | string[] | undefined, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return typeof candidate === 'string' && timingSafeEqual(digest(candidate), digest(secret))
}
