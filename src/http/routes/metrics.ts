import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { Problem } from '../problem.ts'
import { isSameSecret } from '../same-secret.ts'

export interface Measured {
  readonly contentType: string
  text(): Promise<string>
}

/** `/metrics`, for whoever knows `token`; without one, for programs on this machine that no proxy speaks for. */
export function metricsRoutes(measured: Measured, token: string | null): FastifyPluginAsyncZod {
  return async (app) => {
    app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
      if (!mayRead(request, token)) throw new Problem('unauthenticated', token === null ? loopbackOnly : withToken)
      return reply.type(measured.contentType).send(await measured.text())
    })
  }
}

const loopbackOnly = {
  error: 'Metrics are for this machine only. Set VM_API_METRICS_TOKEN, and send it as "Authorization: Bearer TOKEN".',
}
const withToken = {
  error: 'Send the token that VM_API_METRICS_TOKEN has as "Authorization: Bearer TOKEN".',
  headers: { 'www-authenticate': 'Bearer' },
}

/** Whoever has one of these was let through by a proxy on this machine, and may be anywhere. */
const forwarding = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'x-vm-user', 'x-forwarded-user']

function mayRead({ headers, socket }: FastifyRequest, token: string | null): boolean {
  if (token !== null) return isSameSecret(headers.authorization, `Bearer ${token}`)
  return isLoopback(socket.remoteAddress ?? '') && !forwarding.some((name) => headers[name] !== undefined)
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'))
}
