import { z } from 'zod'

const timestampSchema = z.iso.datetime({ precision: 3 })

const sweepSchema = z.object({
  name: z.string().meta({
    description: '`provisioner`, `janitor`, or `reconcile` and the engine that is held against what is known.',
    example: 'reconcile docker',
  }),
  began_at: timestampSchema.optional().meta({ description: 'When the last one began; left out before the first.' }),
  took_ms: z.int().optional().meta({ description: 'Left out while it is under way.' }),
  did: z
    .record(z.string(), z.int())
    .meta({ description: 'What it did or found, counted.', example: { containers: 12, changed: 0 } }),
  failed: z.array(z.string()).meta({ description: 'What of it did not succeed; it is tried again the next time.' }),
  next_at: timestampSchema.optional(),
})

/** What the service does without being asked. */
export const operationsResponseSchema = z
  .object({
    queue: z
      .object({ queued: z.int(), working: z.int(), slots: z.int() })
      .meta({ description: 'Workspaces that wait for provisioning, and that hold one of so many slots.' }),
    sweeps: z.array(sweepSchema),
    expiry_held_until: timestampSchema
      .optional()
      .meta({ description: 'Nothing expires before: the clock has jumped.' }),
    orphans: z.int().meta({ description: 'Containers that belong to no workspace.' }),
    unreadable: z.int().meta({ description: 'Workspaces whose records cannot be read by this version.' }),
  })
  .meta({ id: 'Operations' })
export type OperationsResponse = z.infer<typeof operationsResponseSchema>
