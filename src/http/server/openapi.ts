import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ZodType } from 'zod'
import { errorResponseSchema } from '../../wire/error-response.ts'
import type { ProblemCode } from '../presenters/problem-table.ts'
import { problems } from '../presenters/problem-table.ts'
import { pageContentSecurityPolicy } from './content-security-policy.ts'

/** Problems that every route may respond with. */
const commonProblemCodes = ['host-not-allowed', 'origin-not-allowed', 'internal', 'shutting-down'] as const

/** A response that is not JSON, or is available in several types. */
export interface ResponseContent {
  readonly description: string
  readonly content: Readonly<Record<string, { readonly schema: ZodType }>>
}

/** The responses of a route, for OpenAPI: its success, and an error with the possible problem codes for each status. */
export function responseSchemas<T extends ZodType | ResponseContent>(
  success: T,
  ...codes: ProblemCode[]
): Record<number, T | ZodType> {
  const codesByStatus = new Map<number, string[]>()
  for (const code of [...codes, ...commonProblemCodes]) {
    const { status } = problems[code]
    codesByStatus.set(status, [...(codesByStatus.get(status) ?? []), `\`${code}\``])
  }
  const problemResponses = [...codesByStatus].map(
    ([status, names]) => [status, errorResponseSchema.describe(`One of: ${names.join(', ')}`)] as const,
  )
  return Object.fromEntries([[200, success], ...problemResponses])
}

/** Documents all routes that are registered after it: `/openapi.json`, and the page `/docs`. Neither needs authentication. */
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

function openapiOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'vm-api',
        version,
        description: 'Creates and manages workspaces: containers with a name, an owner, a template and a lifetime.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'workspaces', description: 'Containers with a name, an owner, a template and a lifetime.' },
        { name: 'exec', description: 'Commands in running workspaces.' },
        { name: 'shells', description: 'Terminals in running workspaces.' },
        { name: 'files', description: 'Files in running workspaces.' },
        { name: 'logs', description: 'Output of workspaces.' },
        { name: 'events', description: 'Transitions of workspaces as they happen.' },
        { name: 'statecharts', description: 'States and transitions as diagrams.' },
        { name: 'templates', description: 'Templates that workspaces are created from.' },
        { name: 'operators', description: 'Routes for operators.' },
        { name: 'health', description: 'Liveness and readiness.' },
      ],
      components: { securitySchemes },
      security: [{ user: [] }, { proxy: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => cleanUpDocument(jsonSchemaTransformObject(document)),
  }
}

const securitySchemes = {
  user: {
    type: 'apiKey',
    in: 'header',
    name: 'x-user',
    description: 'Dev mode: the user name, trusted as it is.',
  },
  proxy: {
    type: 'apiKey',
    in: 'header',
    name: 'X-VM-User',
    description: 'Proxy mode: set by the proxy in front of the service, which has authenticated the user.',
  },
} as const

const documentSchema = z.looseObject({
  paths: z.unknown(),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()).default({}) }),
})

/** Removes unreferenced schemas, because the transform adds an input and an output variant of each, and words the default description. */
function cleanUpDocument<T extends object>(document: T): T {
  const { components, paths } = documentSchema.parse(document)
  const text = JSON.stringify(paths).replaceAll('"Default Response"', '"Success."')
  const schemas = Object.entries(components.schemas).filter(([name]) => text.includes(`"#/components/schemas/${name}"`))
  return { ...document, paths: JSON.parse(text), components: { ...components, schemas: Object.fromEntries(schemas) } }
}
