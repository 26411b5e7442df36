import { z } from 'zod'
import { historyLineSchema } from './history.ts'

/** A transition as the feed tells of it: a line of some workspace's history. */
export const transitionEventSchema = historyLineSchema
  .extend({ workspace: z.uuid(), owner: z.string() })
  .meta({ id: 'TransitionEvent' })
export type TransitionEvent = z.infer<typeof transitionEventSchema>

export const eventsQuerySchema = z.object({
  after: z
    .string()
    .optional()
    .meta({ description: 'The id of the last event that was seen, where a Last-Event-ID header cannot be sent.' }),
})
