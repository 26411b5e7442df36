import type { IncomingMessage } from 'node:http'
import type { ProblemCode } from '../presenters/problem-table.ts'

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']
const crossSiteValues: unknown[] = ['cross-site', 'same-site']

type GuardedRequest = Pick<IncomingMessage, 'headers' | 'httpVersion' | 'method'>

/**
 * A check that keeps web pages of other origins out; it returns a problem code, or `undefined` for a request that may pass.
 * In dev mode every client may claim any user name, so a page of another origin must not reach the service, not even under a rebound
 * name. Behind a proxy the browser sends its cookie along, so cross-site requests that change something are rejected there too, and so
 * are cross-origin WebSockets, which browsers open without asking.
 */
export function originGuard(
  mode: 'dev' | 'proxy',
  boundHost: string,
): (request: GuardedRequest) => ProblemCode | undefined {
  let lastAllowedHost: string | undefined // clients send the same few hosts over and over

  function isAllowedHost(host: string | undefined): boolean {
    if (host === undefined) return false
    if (host !== lastAllowedHost && !isKnownHost(host, boundHost)) return false
    lastAllowedHost = host
    return true
  }

  return ({ headers, httpVersion, method }) => {
    if (mode === 'proxy' && headers.host === undefined && httpVersion === '1.1') return 'malformed-request'
    if (mode === 'dev') {
      if (!isAllowedHost(headers.host)) return 'host-not-allowed'
      if (headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host)) return 'origin-not-allowed'
    }
    if (headers.upgrade !== undefined && headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host))
      return 'origin-not-allowed'
    const isSafeMethod = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
    return !isSafeMethod && crossSiteValues.includes(headers['sec-fetch-site']) ? 'origin-not-allowed' : undefined
  }
}

function isKnownHost(host: string, boundHost: string): boolean {
  const name = /^(?<name>\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host)?.groups?.['name']?.toLowerCase()
  const boundName = boundHost.includes(':') ? `[${boundHost}]` : boundHost
  return name !== undefined && (loopbackNames.includes(name) || name === boundName.toLowerCase())
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
}
