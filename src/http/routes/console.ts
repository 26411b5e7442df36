import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import { consoleContentSecurityPolicy } from '../server/content-security-policy.ts'

const policy = Object.entries(consoleContentSecurityPolicy)
  .map(([directive, sources]) => `${directive} ${sources}`)
  .join('; ')

/** The console's files, open to everybody: they hold no data. `folder` may be missing; then the answer says how it is made. */
export function consoleRoutes(folder: string): FastifyPluginAsync {
  return async (app) => {
    // Relative, so that it also holds behind a proxy that serves all this below a path of its own.
    app.get('/console', { schema: { hide: true } }, (_request, reply) => reply.redirect('console/'))
    if (!existsSync(join(folder, 'index.html'))) {
      app.get('/console/', { schema: { hide: true } }, (_request, reply) =>
        reply.code(404).type('text/plain; charset=utf-8').send('The console is not built. Run npm run build.\n'),
      )
      return
    }
    app.addHook('onRequest', (request, reply, done) => {
      // A file below `assets` has a hash of what is in it in its name.
      const isImmutable = request.url.includes('/assets/')
      void reply
        .header('cache-control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
        .header('content-security-policy', policy)
        .header('referrer-policy', 'no-referrer')
      done()
    })
    await app.register(fastifyStatic, {
      root: folder,
      prefix: '/console/',
      cacheControl: false,
      decorateReply: false,
    })
  }
}
