import { z } from 'zod'
import { name } from './workspace.ts'

/** A container of this installation that belongs to no workspace that was ever heard of. */
export const stray = z
  .object({
    container_id: z.string(),
    provider: z.string(),
    workspace: z.uuid().meta({ description: 'The workspace that its label names.' }),
    state: z.enum(['running', 'exited', 'made']).meta({ description: '`made`: it was never started.' }),
    owner: z.string().optional().meta({ description: 'As its labels tell. So are `name` and `template`.' }),
    name: z.string().optional(),
    template: z.string().optional(),
  })
  .meta({ id: 'Stray' })
export type Stray = z.infer<typeof stray>

export const strayRemoved = z.object({ message: z.literal('Container removed') })

/** What a container does not tell of itself, or what is to be otherwise than it tells. */
export const adoptStray = z
  .object({
    name: name.nullish(),
    template: z.string().nullish().meta({ description: 'Name of a template.', example: 'base' }),
    owner: z
      .string()
      .regex(/^[!-+\--~]([ -+\--~]{0,126}[!-+\--~])?$/, 'is no name that a user can have')
      .nullish()
      .meta({ description: 'For a container that does not tell whose it is.' }),
  })
  .nullish()
  .meta({ id: 'AdoptStray' })
export type AdoptStray = z.infer<typeof adoptStray>
