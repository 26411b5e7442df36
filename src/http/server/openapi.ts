import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { ZodType } from 'zod'
import { errorResponseSchema } from '../../wire/error-response.ts'
import type { ProblemCode } from '../presenters/problem-table.ts'
import { problems } from '../presenters/problem-table.ts'

/** What any route may answer, whatever it is asked. */
const commonProblemCodes = ['host-not-allowed', 'origin-not-allowed', 'internal', 'shutting-down'] as const

/** An answer that is no JSON, or can be had in more than one type. */
export interface ResponseContent {
  readonly description: string
  readonly content: Readonly<Record<string, { readonly schema: ZodType }>>
}

/** What a route answers, for OpenAPI: its success, and each problem that it may meet under its status. */
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

/** The description of the API that `/openapi.json` serves, made from the schemas of the routes. */
export function openapiOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'vm-api',
        version,
        description: 'Hands out workspaces: containers with a name, an owner, a template and a lifetime.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'workspaces', description: 'Containers with a name, an owner, a template and a lifetime.' },
        { name: 'exec', description: 'Commands inside running workspaces.' },
        { name: 'shells', description: 'Terminals inside running workspaces.' },
        { name: 'files', description: 'The files of running workspaces.' },
        { name: 'logs', description: 'What workspaces wrote.' },
        { name: 'events', description: 'What happens to workspaces, as it happens.' },
        { name: 'statecharts', description: 'What may happen to a workspace, as a diagram.' },
        { name: 'templates', description: 'What workspaces are made from.' },
        { name: 'operators', description: 'What is left to operators.' },
        { name: 'health', description: 'Whether the service lives, and whether it can do its work.' },
      ],
      components: {
        securitySchemes: {
          user: {
            type: 'apiKey',
            in: 'header',
            name: 'x-user',
            description: 'In dev mode: the user name. Believed as it is.',
          },
          proxy: {
            type: 'apiKey',
            in: 'header',
            name: 'X-VM-User',
            description: 'Set by the proxy in front of the service, which has verified who asks.',
          },
        },
      },
      security: [{ user: [] }, { proxy: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => removeUnusedSchemas(jsonSchemaTransformObject(document)),
  }
}

/** Each schema comes twice, as it is asked and as it is answered. What nothing refers to is left out. */
function removeUnusedSchemas<T extends object>(document: T): T {
  const { components, paths } = document as { components?: { schemas?: object }; paths?: object }
  const text = JSON.stringify(paths).replaceAll('"Default Response"', '"Done."')
  const schemas = Object.entries(components?.schemas ?? {}).filter(([name]) =>
    text.includes(`"#/components/schemas/${name}"`),
  )
  return { ...document, paths: JSON.parse(text), components: { ...components, schemas: Object.fromEntries(schemas) } }
}
