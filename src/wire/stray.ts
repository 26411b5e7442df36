import { z } from 'zod'

/** A container of this installation that belongs to no workspace that was ever heard of. */
export const stray = z
  .object({
    container_id: z.string(),
    workspace: z.uuid().meta({ description: 'The workspace that its label names.' }),
    state: z.enum(['running', 'exited', 'made']),
  })
  .meta({ id: 'Stray' })
export type Stray = z.infer<typeof stray>

export const strayRemoved = z.object({ message: z.literal('Container removed') })
