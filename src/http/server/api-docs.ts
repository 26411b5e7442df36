import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { openapiOptions } from './openapi.ts'
import { pageContentSecurityPolicy } from './content-security-policy.ts'

/** Describes the routes that are registered after it: `/openapi.json`, and `/docs`, a page to read and try them. Both are open. */
export async function registerApiDocs(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, openapiOptions(version))
  await app.register(async (docs) => {
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: pageContentSecurityPolicy,
      theme: { title: 'vm-api' },
      uiConfig: { layout: 'BaseLayout', persistAuthorization: true },
    })
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
