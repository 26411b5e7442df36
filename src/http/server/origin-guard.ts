import type { IncomingMessage } from 'node:http'
import type { ProblemCode } from '../presenters/problem-table.ts'

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']
const crossSiteValues: unknown[] = ['cross-site', 'same-site']

/**
 * Keeps web pages out. In dev mode whoever reaches the service may claim to be anybody, so no page of another origin may make a browser
 * call it, under a rebound name neither. Behind a proxy the browser brings its cookie along, so a cross-site request that changes
 * something is refused there too, and so is a WebSocket, which browsers open across origins without asking. Answers the problem, or `undefined` if the request may pass.
 */
export function originProblem(
  { headers, httpVersion, method }: Pick<IncomingMessage, 'headers' | 'httpVersion' | 'method'>,
  mode: 'dev' | 'proxy',
  boundHost: string,
): ProblemCode | undefined {
  if (mode === 'proxy' && headers.host === undefined && httpVersion === '1.1') return 'malformed-request'
  if (mode === 'dev') {
    if (!isAllowedHost(headers.host, boundHost)) return 'host-not-allowed'
    if (headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host)) return 'origin-not-allowed'
  }
  if (headers.upgrade !== undefined && headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host))
    return 'origin-not-allowed'
  const isSafeMethod = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
  return !isSafeMethod && crossSiteValues.includes(headers['sec-fetch-site']) ? 'origin-not-allowed' : undefined
}

// Clients send the same few over and over.
let lastAllowed: { readonly host: string; readonly boundHost: string } | undefined

function isAllowedHost(host: string | undefined, boundHost: string): boolean {
  if (host === undefined) return false
  if (lastAllowed?.host === host && lastAllowed.boundHost === boundHost) return true
  const allowed = isKnownHostName(host, boundHost)
  if (allowed) lastAllowed = { host, boundHost }
  return allowed
}

function isKnownHostName(host: string, boundHost: string): boolean {
  const name = /^(?<name>\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host)?.groups?.['name']?.toLowerCase()
  const boundName = boundHost.includes(':') ? `[${boundHost}]` : boundHost
  return name !== undefined && (loopbackNames.includes(name) || name === boundName.toLowerCase())
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
}
