import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { TemplateResponse } from '../../wire/template.ts'
import { templateResponseSchema } from '../../wire/template.ts'
import type { WorkspaceSpec } from '../../workspace/spec.ts'
import { responseSchemas } from '../server/openapi.ts'

/** The part of a template that clients see. */
export interface TemplateSource {
  readonly name: string
  readonly title: string
  readonly spec: WorkspaceSpec
}

export function templateRoutes(sources: Iterable<TemplateSource>, defaultTemplate: string): FastifyPluginAsyncZod {
  const templates = [...sources].map(
    ({ name, title, spec: { image, limits, forwardPorts } }): TemplateResponse => ({
      name,
      title,
      image,
      cpus: limits.cpus,
      memory_bytes: limits.memoryBytes,
      pids: limits.pids,
      forward_ports: [...forwardPorts],
      default: name === defaultTemplate,
    }),
  )
  return async (app) => {
    app.get(
      '/templates',
      {
        schema: {
          tags: ['templates'],
          summary: 'List templates',
          response: responseSchemas(z.array(templateResponseSchema), 'unauthenticated'),
        },
      },
      async () => templates,
    )
  }
}
