import { z } from 'zod'

const timestampSchema = z.iso.datetime({ precision: 3 })
const variableNamesSchema = z
  .array(z.string())
  .meta({ description: 'Names alone: a template may have secrets in the values.' })
const lifecycleCommandSchema = z.object({ name: z.string(), run: z.union([z.string(), z.array(z.string())]) })

const workspaceSpecSchema = z.object({
  image: z.string(),
  containerEnv: variableNamesSchema,
  remoteEnv: variableNamesSchema,
  remoteUser: z.string().nullable(),
  workspaceFolder: z.string(),
  forwardPorts: z.array(z.int()),
  overrideCommand: z.boolean(),
  init: z.boolean(),
  limits: z.object({ cpus: z.number(), memoryBytes: z.number(), pids: z.number() }),
  onCreate: z.array(lifecycleCommandSchema),
  postCreate: z.array(lifecycleCommandSchema),
  postStart: z.array(lifecycleCommandSchema),
})

/** What the statechart of a workspace remembers, by its own names; times as the API writes them. */
const contextSchema = z.object({
  id: z.string(),
  owner: z.string(),
  name: z.string(),
  template: z.string(),
  provider: z.string(),
  metadata: z.record(z.string(), z.unknown()).nullable(),
  createdAt: timestampSchema,
  ttlSeconds: z.number().nullable(),
  expiresAt: timestampSchema.nullable(),
  step: z.string().meta({ description: 'The provisioning step that was reached.' }),
  attempts: z.int().meta({ description: 'Tries that failed since the command that is under way was given.' }),
  deadline: timestampSchema.meta({
    description: 'When what is under way has to have succeeded; of a past command at rest.',
  }),
  waitingForEngine: z.boolean().meta({ description: 'A wait is for the engine to come back.' }),
  retryAt: timestampSchema.nullable().meta({ description: 'When a wait is over; `null` if there was none.' }),
  imageId: z.string().nullable(),
  containerId: z.string().nullable(),
  prepared: z.boolean().meta({ description: 'The once-per-container commands have succeeded in this container.' }),
  connection: z.record(z.string(), z.unknown()).nullable(),
  reason: z.string().nullable(),
  progress: z.string().nullable(),
  spec: workspaceSpecSchema,
})

/** A workspace as it is stored: what its actor is restored from. */
export const snapshotSchema = z
  .object({
    state: z.string().meta({ description: 'As a dotted path.' }),
    value: z.unknown().meta({ description: "The statechart's own form of the state." }),
    revision: z.int().meta({ description: 'Counts what was written of it.' }),
    updated_at: timestampSchema,
    context: contextSchema.nullable().meta({ description: '`null` if this version cannot read the record.' }),
  })
  .meta({ id: 'Snapshot' })
export type Snapshot = z.infer<typeof snapshotSchema>
