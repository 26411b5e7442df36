import { z } from 'zod'
import { pagingQueryFields } from './paging.ts'

export const historyLineSchema = z
  .object({
    seq: z.int(),
    at: z.iso.datetime({ precision: 3 }),
    event: z.string().meta({ example: 'boot.done' }),
    from: z.string().nullable().meta({ description: '`null` on the first line.' }),
    to: z.string(),
    by: z.string().meta({ example: 'user:alice' }),
    reason: z.string().optional(),
    attempts: z.int().optional(),
  })
  .meta({ id: 'HistoryLine' })
export type HistoryLine = z.infer<typeof historyLineSchema>

export const historyQuerySchema = z.object(pagingQueryFields)
