import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Template } from '../../wire/template.ts'
import { template } from '../../wire/template.ts'
import type { Recipe } from '../../workspace/recipe.ts'
import { answers } from '../openapi.ts'

/** A template as far as clients are told of it. */
export interface Offered {
  readonly name: string
  readonly title: string
  readonly recipe: Recipe
}

export function templateRoutes(offered: Iterable<Offered>, defaultTemplate: string): FastifyPluginAsyncZod {
  const list = [...offered].map(
    ({ name, title, recipe: { image, limits, forwardPorts } }): Template => ({
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
          summary: 'List what workspaces can be made from',
          response: answers(z.array(template), 'unauthenticated'),
        },
      },
      async () => list,
    )
  }
}
