import { z } from 'zod'

const maxPageSize = 1000

/** The query parameters of every paginated list, in addition to its filters. */
export const pagingQueryFields = {
  limit: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1, 'must be at least 1').max(maxPageSize, `must be at most ${maxPageSize}`))
    .optional()
    .meta({
      type: 'integer',
      minimum: 1,
      maximum: maxPageSize,
      description: 'Page size. If there are more entries, the response has a Link header to the next page.',
    }),
  cursor: z.string().optional().meta({ description: 'From the Link header of the previous page.' }),
}
