import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { Problem } from '../presenters/problem.ts'
import { isSameSecret } from '../server/authentication.ts'

export interface MetricsSource {
  readonly contentType: string
  text(): Promise<string>
}

/** `/metrics`, for callers with `token`. If `token` is `null`: for direct connections from this machine. */
export function metricsRoutes(metrics: MetricsSource, token: string | null): FastifyPluginAsyncZod {
  return async (app) => {
    app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
      if (!isAuthorized(request, token))
        throw new Problem('unauthenticated', token === null ? loopbackRequired : tokenRequired)
      return reply.type(metrics.contentType).send(await metrics.text())
    })
  }
}

const loopbackRequired = {
  error:
    'Metrics are available from this machine only. To read them from elsewhere, set VM_API_METRICS_TOKEN and send "Authorization: Bearer TOKEN".',
}
const tokenRequired = {
  error:
    'The metrics token is missing or wrong. Send the value of VM_API_METRICS_TOKEN as "Authorization: Bearer TOKEN".',
  headers: { 'www-authenticate': 'Bearer' },
}

/** A request with one of these came through a proxy on this machine, so its client may be anywhere. */
const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'x-vm-user', 'x-forwarded-user']

function isAuthorized({ headers, socket }: FastifyRequest, token: string | null): boolean {
  if (token !== null) return isSameSecret(headers.authorization, `Bearer ${token}`)
  return isLoopback(socket.remoteAddress ?? '') && !forwardingHeaders.some((name) => headers[name] !== undefined)
}

function isLoopback(address: string): boolean {
  const ipAddress = address.replace(/^::ffff:(?=\d+\.)/, '')
  return ipAddress === '::1' || (isIP(ipAddress) === 4 && ipAddress.startsWith('127.'))
}
