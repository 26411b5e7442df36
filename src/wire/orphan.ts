import { z } from 'zod'
import { ownerNameSchema, workspaceNameSchema } from './workspace.ts'

/** A container of this installation that belongs to no known workspace. */
export const orphanResponseSchema = z
  .object({
    container_id: z.string(),
    provider: z.string(),
    workspace: z.uuid().meta({ description: 'The workspace id in the label of the container.' }),
    state: z.enum(['running', 'exited', 'created']).meta({ description: '`created`: the container never started.' }),
    owner: z
      .string()
      .optional()
      .meta({ description: 'From the labels of the container, like `name` and `template`; absent without a label.' }),
    name: z.string().optional(),
    template: z.string().optional(),
  })
  .meta({ id: 'Orphan' })
export type OrphanResponse = z.infer<typeof orphanResponseSchema>

export const orphanRemovedSchema = z.object({ message: z.literal('Container removed') })

/** Supplies what the labels of a container lack, and overrides its name or template. */
export const adoptOrphanBodySchema = z
  .object({
    name: workspaceNameSchema.nullish(),
    template: z.string().nullish().meta({ description: 'Template name.', example: 'base' }),
    owner: ownerNameSchema.nullish().meta({ description: 'For a container whose labels name no owner.' }),
  })
  .nullish()
  .meta({ id: 'AdoptOrphanBody' })
export type AdoptOrphanBody = z.infer<typeof adoptOrphanBodySchema>
