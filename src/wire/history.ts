import { z } from 'zod'

export const historyLine = z
  .object({
    seq: z.int(),
    at: z.iso.datetime({ precision: 3 }),
    event: z.string().meta({ example: 'boot.done' }),
    from: z.string().nullable().meta({ description: '`null` on the first line.' }),
    to: z.string(),
    by: z.string().meta({ example: 'user:alice' }),
    reason: z.string().optional(),
    tries: z.int().optional(),
  })
  .meta({ id: 'HistoryLine' })
export type HistoryLine = z.infer<typeof historyLine>

export const historyQuery = z.object({
  limit: z.coerce
    .number()
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(1000, 'must be at most 1000')
    .optional(),
  cursor: z.string().optional(),
})
