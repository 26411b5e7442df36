import { z } from 'zod'
import { workspaceNameSchema } from './workspace.ts'

/** A container of this installation that belongs to no workspace that was ever heard of. */
export const orphanResponseSchema = z
  .object({
    container_id: z.string(),
    provider: z.string(),
    workspace: z.uuid().meta({ description: 'The workspace that its label names.' }),
    state: z.enum(['running', 'exited', 'created']).meta({ description: '`created`: it was never started.' }),
    owner: z.string().optional().meta({ description: 'As its labels tell. So are `name` and `template`.' }),
    name: z.string().optional(),
    template: z.string().optional(),
  })
  .meta({ id: 'Orphan' })
export type OrphanResponse = z.infer<typeof orphanResponseSchema>

export const orphanRemovedSchema = z.object({ message: z.literal('Container removed') })

/** What a container does not tell of itself, or what is to be otherwise than it tells. */
export const adoptOrphanBodySchema = z
  .object({
    name: workspaceNameSchema.nullish(),
    template: z.string().nullish().meta({ description: 'Name of a template.', example: 'base' }),
    owner: z
      .string()
      .regex(/^[!-+\--~]([ -+\--~]{0,126}[!-+\--~])?$/, 'is no name that a user can have')
      .nullish()
      .meta({ description: 'For a container that does not tell whose it is.' }),
  })
  .nullish()
  .meta({ id: 'AdoptOrphan' })
export type AdoptOrphanBody = z.infer<typeof adoptOrphanBodySchema>
