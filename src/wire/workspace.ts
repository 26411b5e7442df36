import { z } from 'zod'
import { namePattern } from '../workspace/name.ts'
import { userCommands } from '../workspace/user-command.ts'
import { pagingQueryFields } from './paging.ts'
import { timestampSchema } from './timestamp.ts'

// Workspaces as they cross the network. Requests are read leniently: unknown fields are ignored, and `null` equals leaving a field out.

export const workspaceStatuses = ['creating', 'running', 'stopped', 'failed'] as const
const workspaceStatusSchema = z.enum([...workspaceStatuses, 'deleting'])

export const userCommandSchema = z.enum(userCommands)

const metadataLimitBytes = 16 * 1024

export const workspaceNameSchema = z
  .string()
  .regex(namePattern, 'must be 1 to 63 ASCII letters, digits, "-", "_" or ".", starting with a letter or a digit')
  .meta({ description: 'Unique among the workspaces of its owner; case-sensitive.', example: 'my-workspace' })

export const ownerNameSchema = z
  .string()
  .regex(
    /^[!-+\--~]([ -+\--~]{0,126}[!-+\--~])?$/,
    'must be a user name: 1 to 128 printable ASCII characters without a comma or a space at either end',
  )

const ttlSecondsSchema = z
  .int('must be a whole number of seconds')
  .min(1, 'must be at least 1')
  .max(315_360_000, 'must be at most 315360000 (ten years)')
  .meta({ description: 'Time to live in seconds; `null` means that the workspace never expires.', example: 86400 })

// The size is checked first: validating a mebibyte of values would block the event loop for a second.
const metadataSchema = z
  .record(z.string(), z.unknown())
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= metadataLimitBytes, 'must be at most 16 KiB as JSON')
  .pipe(z.record(z.string(), z.json()))
  .meta({ description: 'Your own data: a JSON object of at most 16 KiB.', example: {} })

export const createWorkspaceBodySchema = z
  .object({
    name: workspaceNameSchema,
    template: z.string().nullish().meta({ description: 'Template name. Default: `base`.', example: 'nodejs' }),
    ttl_seconds: ttlSecondsSchema.nullish(),
    metadata: metadataSchema.nullish(),
  })
  .meta({ id: 'CreateWorkspaceBody' })
export type CreateWorkspaceBody = z.infer<typeof createWorkspaceBodySchema>

export const patchWorkspaceBodySchema = z
  .object({
    name: workspaceNameSchema.optional(),
    ttl_seconds: ttlSecondsSchema
      .nullable()
      .optional()
      .meta({ description: 'Time to live in seconds from now; `null` means that the workspace never expires.' }),
    metadata: metadataSchema
      .nullable()
      .optional()
      .meta({ description: 'Replaces all existing metadata; `null` removes it.' }),
  })
  .refine(
    (body) => body.name !== undefined || body.ttl_seconds !== undefined || body.metadata !== undefined,
    'must have at least one of name, ttl_seconds, metadata',
  )
  .meta({ id: 'PatchWorkspaceBody' })
export type PatchWorkspaceBody = z.infer<typeof patchWorkspaceBodySchema>

export const workspaceSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    owner: z.string(),
    template: z.string(),
    provider: z.string(),
    status: workspaceStatusSchema.meta({ description: 'Only operators see `deleting`.' }),
    state: z.string().meta({ description: 'State in the statechart, as a dotted path.', example: 'creating.boot' }),
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
      .meta({ description: 'When a command or a shell last started or ended in the workspace.' }),
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
        description:
          'How to connect to a running workspace. `ports` maps its ports to ports on the loopback interface of the host.',
      }),
    progress: z.string().optional().meta({ description: 'Progress of the current step, if it takes long.' }),
    error_message: z
      .string()
      .optional()
      .meta({ description: 'Why the workspace failed, waits or stopped, and what to do.' }),
    metadata: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Workspace' })
export type Workspace = z.infer<typeof workspaceSchema>

export const listWorkspacesQuerySchema = z.object({
  ...pagingQueryFields,
  status: workspaceStatusSchema.optional().meta({ description: '`deleting` is for operators.' }),
  name: z.string().regex(namePattern, 'must be a valid workspace name').optional(),
  template: z.string().regex(namePattern, 'must be a valid template name').optional(),
  owner: ownerNameSchema
    .optional()
    .meta({ description: 'For operators: the name of an owner, or `*` for all owners.' }),
})

export const workspaceDeletedSchema = z.object({ message: z.literal('Workspace deleted') }).meta({ id: 'Deleted' })
