import { z } from 'zod'

/** A machine whose statechart can be had. */
export const statechartSchema = z
  .object({
    machine: z.string().meta({ example: 'workspace' }),
    description: z.string(),
    states: z.array(z.string()).meta({ description: 'Every state that it can rest in, as a dotted path.' }),
  })
  .meta({ id: 'Statechart' })
export type Statechart = z.infer<typeof statechartSchema>

/** A machine's definition in XState's form, with guards, actions and effects by name. */
export const statechartDefinitionSchema = z.looseObject({ id: z.string() }).meta({ id: 'StatechartDefinition' })
