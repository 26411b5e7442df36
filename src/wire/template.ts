import { z } from 'zod'

export const templateResponseSchema = z
  .object({
    name: z.string(),
    title: z.string(),
    image: z.string(),
    cpus: z.number(),
    memory_bytes: z.int(),
    pids: z.int(),
    forward_ports: z.array(z.int()),
    default: z.boolean().meta({ description: 'Used if a create request names no template.' }),
  })
  .meta({ id: 'Template' })
export type TemplateResponse = z.infer<typeof templateResponseSchema>
