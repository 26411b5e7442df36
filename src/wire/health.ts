import { z } from 'zod'

export const healthResponseSchema = z
  .object({ status: z.literal('ok'), service: z.literal('vm-api'), version: z.string() })
  .meta({ id: 'Health' })
export type HealthResponse = z.infer<typeof healthResponseSchema>

export const readinessSchema = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    database: z.enum(['connected', 'disconnected']),
    provider: z.enum(['connected', 'disconnected']),
    error: z.string().optional(),
    code: z.string().optional(),
  })
  .meta({ id: 'Readiness' })
export type Readiness = z.infer<typeof readinessSchema>
