import { z } from 'zod'
import { historyLineSchema } from './history.ts'

/** A transition in the event feed: a history line with its workspace and owner. */
export const transitionEventSchema = historyLineSchema
  .extend({ workspace: z.uuid(), owner: z.string() })
  .meta({ id: 'TransitionEvent' })
export type TransitionEvent = z.infer<typeof transitionEventSchema>

export const eventsQuerySchema = z.object({
  after: z
    .string()
    .optional()
    .meta({ description: 'Id of the last event received, for clients that cannot send a Last-Event-ID header.' }),
})
