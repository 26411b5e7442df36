import type { IncomingHttpHeaders } from 'node:http'
import type { Caller } from '../../supervisor/admission.ts'
import type { Owner } from '../../workspace/id.ts'
import { parseOwner } from '../../workspace/id.ts'
import { isSameSecret } from './secret-comparison.ts'

/** Whom the service believes. */
export interface AuthSettings {
  /** `dev`: the user headers are believed from everybody (loopback only). `proxy`: from trusted proxies only, and `x-user` never. */
  readonly mode: 'dev' | 'proxy'
  /** Is this address one of the trusted proxies? */
  readonly isTrustedProxy: (address: string) => boolean
  /** What a trusted proxy must send as `X-VM-Proxy-Secret`; `null`: nothing. */
  readonly proxySecret: string | null
  readonly operators: ReadonlySet<Owner>
}

const userHeaders = {
  proxy: ['x-vm-user', 'x-forwarded-user'],
  dev: ['x-vm-user', 'x-forwarded-user', 'x-user'],
} as const

/**
 * Who asks: the first user header that is present decides, so that a bad one is not passed over for a worse. `undefined`: nobody that
 * the service believes. A header that came twice has been joined with a comma, which no name may have.
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
