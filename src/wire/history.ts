import { z } from 'zod'
import { pagingQueryFields } from './paging.ts'
import { timestampSchema } from './timestamp.ts'

export const historyLineSchema = z
  .object({
    seq: z.int(),
    at: timestampSchema,
    event: z.string().meta({ example: 'boot.done' }),
    from: z.string().nullable().meta({ description: 'State before the transition; `null` on the first line.' }),
    to: z.string().meta({ description: 'State after the transition.' }),
    by: z.string().meta({ description: 'Who or what caused the transition.', example: 'user:alice' }),
    reason: z.string().optional(),
    attempts: z.int().optional().meta({ description: 'Failed attempts of the step, if any.' }),
  })
  .meta({ id: 'HistoryLine' })
export type HistoryLine = z.infer<typeof historyLineSchema>

export const historyQuerySchema = z.object(pagingQueryFields)
