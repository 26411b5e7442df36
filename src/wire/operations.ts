import { z } from 'zod'
import { timestampSchema } from './timestamp.ts'

const sweepSchema = z.object({
  name: z.string().meta({
    description: '`provisioner`, `janitor`, or `reconcile` followed by the provider.',
    example: 'reconcile docker',
  }),
  began_at: timestampSchema.optional().meta({ description: 'Start of the last run; absent before the first.' }),
  took_ms: z.int().optional().meta({ description: 'Duration of the last run; absent while it is in progress.' }),
  did: z
    .record(z.string(), z.int())
    .meta({ description: 'Counts of what the last run did or found.', example: { containers: 12, changed: 0 } }),
  failed: z.array(z.string()).meta({ description: 'Parts of the last run that failed; the next run retries them.' }),
  next_at: timestampSchema.optional(),
})

/** Background work of the service. */
export const operationsResponseSchema = z
  .object({
    queue: z
      .object({ queued: z.int(), working: z.int(), slots: z.int() })
      .meta({ description: 'Workspaces that wait for provisioning, workspaces that hold a slot, and all slots.' }),
    sweeps: z.array(sweepSchema),
    expiry_held_until: timestampSchema
      .optional()
      .meta({ description: 'No workspace expires before this time, because the clock jumped.' }),
    orphans: z.int().meta({ description: 'Containers without a workspace.' }),
    unreadable: z.int().meta({ description: 'Quarantined workspaces: this version cannot read their records.' }),
  })
  .meta({ id: 'Operations' })
export type OperationsResponse = z.infer<typeof operationsResponseSchema>
