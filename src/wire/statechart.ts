import { z } from 'zod'

/** A machine and its states. */
export const statechartSchema = z
  .object({
    machine: z.string().meta({ example: 'workspace' }),
    description: z.string(),
    states: z.array(z.string()).meta({ description: 'All leaf states, as dotted paths.' }),
  })
  .meta({ id: 'Statechart' })
export type Statechart = z.infer<typeof statechartSchema>

/** A machine definition in the form of XState, with guards, actions and actors by name. */
export const statechartDefinitionSchema = z.looseObject({ id: z.string() }).meta({ id: 'StatechartDefinition' })
