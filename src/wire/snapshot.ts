import { z } from 'zod'
import { timestampSchema } from './timestamp.ts'

const variableNamesSchema = z
  .array(z.string())
  .meta({ description: 'Names only: the values may contain secrets of the template.' })
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

/** The context of a workspace's actor, with the statechart's own field names and the API's timestamps. */
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
  step: z.string().meta({ description: 'The provisioning step that the workspace has reached.' }),
  attempts: z.int().meta({ description: 'Failed attempts since the last command.' }),
  deadline: timestampSchema.meta({
    description:
      'When the current command fails unless it has succeeded. Without one: the deadline of the last command.',
  }),
  waitingForEngine: z.boolean().meta({ description: 'The next attempt waits for the engine to come back.' }),
  retryAt: timestampSchema
    .nullable()
    .meta({ description: 'When the next attempt starts; `null` if no attempt was delayed.' }),
  imageId: z.string().nullable(),
  containerId: z.string().nullable(),
  prepared: z
    .boolean()
    .meta({ description: 'The commands that run once per container have succeeded in this container.' }),
  connection: z.record(z.string(), z.unknown()).nullable(),
  reason: z.string().nullable(),
  progress: z.string().nullable(),
  spec: workspaceSpecSchema,
})

/** A workspace as it is stored; its actor is restored from this. */
export const snapshotSchema = z
  .object({
    state: z.string().meta({ description: 'State in the statechart, as a dotted path.' }),
    value: z.unknown().meta({ description: 'The state value in the form of XState.' }),
    revision: z.int().meta({ description: 'Number of the last write of this workspace.' }),
    updated_at: timestampSchema,
    context: contextSchema.nullable().meta({ description: '`null` if this version cannot read the record.' }),
  })
  .meta({ id: 'Snapshot' })
export type Snapshot = z.infer<typeof snapshotSchema>
