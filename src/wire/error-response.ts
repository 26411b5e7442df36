import { z } from 'zod'

/** What every refusal looks like. */
export const errorResponseSchema = z
  .object({
    error: z.string().meta({ description: 'What is wrong and what to do, for a person.' }),
    code: z.string().meta({ description: 'The same for a program: one of docs/problems.md.' }),
    state: z.string().optional().meta({ description: 'The state that refused the command.' }),
    details: z
      .array(z.object({ field: z.string(), problem: z.string() }))
      .optional()
      .meta({ description: 'Which fields of the request are wrong, and how.' }),
  })
  .meta({ id: 'Error' })
export type ErrorResponse = z.infer<typeof errorResponseSchema>
