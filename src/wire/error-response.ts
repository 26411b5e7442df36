import { z } from 'zod'

/** The body of every error response. */
export const errorResponseSchema = z
  .object({
    error: z.string().meta({ description: 'What is wrong and what to do, for people.' }),
    code: z.string().meta({ description: 'The same for programs: a code of docs/problems.md.' }),
    state: z.string().optional().meta({ description: 'The state in which the workspace refused the request.' }),
    details: z
      .array(z.object({ field: z.string(), problem: z.string() }))
      .optional()
      .meta({ description: 'The invalid fields of the request, and what is wrong with each.' }),
  })
  .meta({ id: 'Error' })
export type ErrorResponse = z.infer<typeof errorResponseSchema>
