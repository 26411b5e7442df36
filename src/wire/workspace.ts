import { z } from 'zod'
import { namePattern } from '../workspace/name.ts'
import { userCommands } from '../workspace/user-command.ts'
import { pagingQueryFields } from './paging.ts'

// What crosses the network about workspaces. Lenient in what is asked: unknown fields are ignored, `null` is the same as leaving out.

export const workspaceStatuses = ['creating', 'running', 'stopped', 'failed'] as const

export const userCommandSchema = z.enum(userCommands)

const metadataLimitBytes = 16 * 1024

export const workspaceNameSchema = z
  .string()
  .regex(namePattern, 'must be 1 to 63 ASCII letters, digits, "-", "_" or ".", beginning with a letter or a digit')
  .meta({ description: "Unique among its owner's workspaces, letter by letter.", example: 'my-workspace' })

const ttlSecondsSchema = z
  .int('must be a whole number of seconds')
  .min(1, 'must be at least 1')
  .max(315_360_000, 'must be at most 315360000 (ten years)')
  .meta({ description: 'Time-to-live in seconds; `null` means never.', example: 86400 })

// Its size is looked at first: to walk through a mebibyte of values would hold up everybody for a second.
const metadataSchema = z
  .record(z.string(), z.unknown())
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= metadataLimitBytes, 'must be at most 16 KiB as JSON')
  .pipe(z.record(z.string(), z.json()))
  .meta({
    description: 'Anything of yours that should be kept with it: an object of at most 16 KiB as JSON.',
    example: {},
  })

export const createWorkspaceBodySchema = z
  .object({
    name: workspaceNameSchema,
    template: z.string().nullish().meta({ description: 'Name of a template; `base` if left out.', example: 'nodejs' }),
    ttl_seconds: ttlSecondsSchema.nullish(),
    metadata: metadataSchema.nullish(),
  })
  .meta({ id: 'CreateWorkspace' })
export type CreateWorkspaceBody = z.infer<typeof createWorkspaceBodySchema>

export const patchWorkspaceBodySchema = z
  .object({
    name: workspaceNameSchema.optional(),
    ttl_seconds: ttlSecondsSchema
      .nullable()
      .optional()
      .meta({ description: 'Counted from now; `null`: it never expires.' }),
    metadata: metadataSchema
      .nullable()
      .optional()
      .meta({ description: 'Takes the place of what was there; `null` removes it.' }),
  })
  .refine(
    (body) => body.name !== undefined || body.ttl_seconds !== undefined || body.metadata !== undefined,
    'must have at least one of name, ttl_seconds, metadata',
  )
  .meta({ id: 'AmendWorkspace' })
export type PatchWorkspaceBody = z.infer<typeof patchWorkspaceBodySchema>

const timestampSchema = z.iso.datetime({ precision: 3 })

export const workspaceSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    owner: z.string(),
    template: z.string(),
    provider: z.string(),
    status: z.enum([...workspaceStatuses, 'deleting']).meta({ description: '`deleting` is seen by operators only.' }),
    state: z.string().meta({ description: "The statechart's state, as a dotted path.", example: 'creating.boot' }),
    ready: z
      .boolean()
      .meta({ description: 'The workspace can be used now: commands, shells and files are available.' }),
    settled: z
      .boolean()
      .meta({ description: 'Nothing is in progress: the state changes only after a command or an external event.' }),
    can: z
      .array(userCommandSchema)
      .meta({ description: 'Commands that the workspace accepts now.', example: ['start', 'update', 'delete'] }),
    created_at: timestampSchema,
    updated_at: timestampSchema,
    last_active_at: timestampSchema
      .optional()
      .meta({ description: 'When a command or a shell was last begun or ended in it.' }),
    ttl_seconds: z.int().optional(),
    expires_at: timestampSchema.optional(),
    provider_id: z.string().optional(),
    connection_info: z
      .object({
        ssh_command: z.string(),
        container_id: z.string().optional(),
        pid: z.int().optional(),
        directory: z.string().optional(),
        ports: z.record(z.string(), z.int()).optional(),
      })
      .optional()
      .meta({
        description: 'How to reach it while it runs. `ports` maps its ports to those on the loopback of the host.',
      }),
    progress: z.string().optional().meta({ description: 'What the present step says of itself while it takes long.' }),
    error_message: z.string().optional().meta({ description: 'Why it failed, or waits, or stopped, and what to do.' }),
    metadata: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Workspace' })
export type Workspace = z.infer<typeof workspaceSchema>

export const listWorkspacesQuerySchema = z.object({
  ...pagingQueryFields,
  status: z
    .enum([...workspaceStatuses, 'deleting'])
    .optional()
    .meta({ description: '`deleting` is for operators.' }),
  name: z.string().regex(namePattern, 'is no name that a workspace can have').optional(),
  template: z.string().regex(namePattern, 'is no name that a template can have').optional(),
  owner: z
    .string()
    .regex(/^[!-+\--~]([ -+\--~]{0,126}[!-+\--~])?$/, 'is no name that a user can have')
    .optional()
    .meta({ description: "For operators: an owner's name, or `*` for everybody." }),
})
export type ListWorkspacesQuery = z.infer<typeof listWorkspacesQuerySchema>

export const workspaceDeletedSchema = z.object({ message: z.literal('Workspace deleted') }).meta({ id: 'Deleted' })
