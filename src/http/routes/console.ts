import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import { consoleContentSecurityPolicy } from '../server/content-security-policy.ts'

const policy = Object.entries(consoleContentSecurityPolicy)
  .map(([directive, sources]) => `${directive} ${sources}`)
  .join('; ')

/** Serves the files of the console without authentication: they contain no data. If `folder` has not been built, the response says how to build it. */
export function consoleRoutes(folder: string): FastifyPluginAsync {
  return async (app) => {
    // Relative, so that it also works behind a proxy that adds a path prefix.
    app.get('/console', { schema: { hide: true } }, (_request, reply) => reply.redirect('console/'))
    if (!existsSync(join(folder, 'index.html'))) {
      app.get('/console/', { schema: { hide: true } }, (_request, reply) =>
        reply.code(404).type('text/plain; charset=utf-8').send('The console is not built. Run npm run build.\n'),
      )
      return
    }
    app.addHook('onRequest', (request, reply, done) => {
      // The names of files below `assets` contain a hash of their content.
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
