import { z } from 'zod'
import { processSignals } from '../../workspace/guest-process.ts'
import { pagingQueryFields } from '../paging.ts'

/** Text that an operating system accepts as a command-line argument. */
export const nulFreeTextSchema = z.string().refine((text) => !text.includes('\0'), 'must not contain NUL')

const execIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'must be 1 to 64 letters, digits, - or _, starting with a letter or a digit',
  )

const stdinDataSchema = z
  .object({ data: z.string(), encoding: z.enum(['utf8', 'base64']) })
  .refine(({ data, encoding }) => encoding === 'utf8' || isBase64(data), 'must be base64')

function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')
}

export const startExecBodySchema = z
  .object({
    command: z
      .union(
        [nulFreeTextSchema.min(1), z.array(nulFreeTextSchema).min(1).max(4096)],
        'must be a string or an array of 1 to 4096 strings, without NUL',
      )
      .meta({
        description:
          'An array runs a program with arguments, without a shell. A string runs in the shell of the workspace.',
      }),
    env: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a valid variable name'), nulFreeTextSchema)
      .nullish()
      .meta({
        description:
          'Environment variables, in addition to the `remoteEnv` of the template and with precedence over it.',
      }),
    cwd: nulFreeTextSchema
      .min(1)
      .nullish()
      .meta({ description: 'Working directory: absolute, or relative to the `workspaceFolder` of the template.' }),
    user: nulFreeTextSchema.min(1).nullish().meta({ description: 'Default: the `remoteUser` of the template.' }),
    stdin: z
      .union(
        [z.literal('stream'), z.string(), stdinDataSchema],
        'must be a string, or {"data", "encoding"} with data in that encoding',
      )
      .nullish()
      .meta({
        description:
          'Standard input: a string, or bytes as base64, or `stream` to send it with PUT …/exec/{exec_id}/stdin. Default: empty.',
      }),
    timeout_ms: z
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .nullish()
      .meta({ description: 'Kills the command and all processes that it started after this time. Default: no limit.' }),
    exec_id: execIdSchema.nullish().meta({
      description:
        'Chosen by the client. A request with the id of an existing exec session attaches to it and starts nothing.',
    }),
  })
  .meta({ id: 'StartExecBody' })
export type StartExecBody = z.infer<typeof startExecBodySchema>

const seqSchema = z.int().min(1).meta({ description: 'Line number in this exec session, from 1, without gaps.' })

/** A stream line with a chunk of output. */
export const execOutputSchema = z
  .object({
    seq: seqSchema,
    stream: z.enum(['stdout', 'stderr']),
    data: z.string(),
    encoding: z
      .literal('base64')
      .optional()
      .meta({ description: 'Present if the bytes are not valid UTF-8, or are shorter as base64.' }),
  })
  .meta({ id: 'ExecOutput' })

/** A stream line in place of output that was dropped because no reader consumed it for a minute. */
export const execDroppedSchema = z.object({ seq: seqSchema, dropped_bytes: z.int().min(1) }).meta({ id: 'ExecDropped' })

/** The last stream line. Has exactly one of `exit_code`, `signal` and `error`. */
export const execEndSchema = z
  .object({
    seq: seqSchema,
    exit_code: z.int().optional(),
    signal: z.string().optional().meta({ description: 'The signal that killed the command.' }),
    error: z.string().optional().meta({
      description:
        '`timeout`, `stdin-cut-off`, or `lost`: the service or the workspace went down before the command ended.',
    }),
    duration_ms: z.int().min(0),
  })
  .meta({ id: 'ExecEnd' })

export const execLineSchema = z.union([execOutputSchema, execDroppedSchema, execEndSchema])
export type ExecLine = z.infer<typeof execLineSchema>
export type ExecEnd = z.infer<typeof execEndSchema>

/** An exec session in the list of recent ones. */
export const execSummarySchema = z
  .object({
    exec_id: execIdSchema,
    command: z.union([z.string(), z.array(z.string())]),
    by: z.string().meta({ description: '`user:NAME`' }),
    started_at: z.iso.datetime(),
    ended_at: z.iso.datetime().optional(),
    exit_code: z.int().optional(),
    signal: z.string().optional(),
    error: z.string().optional(),
    status: z.enum(['running', 'ended']),
  })
  .meta({ id: 'ExecSummary' })
export type ExecSummary = z.infer<typeof execSummarySchema>

export const execOutputQuerySchema = z.object({
  after: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .optional()
    .meta({
      type: 'integer',
      minimum: 0,
      description: 'Continues after the line with this `seq`. Default: starts with the oldest line in the buffer.',
    }),
  follow: z.enum(['true', 'false']).default('false').meta({
    description: '`true` keeps the stream open until the command ends. Default: sends the lines that exist now.',
  }),
})

export const execListQuerySchema = z.object({ limit: pagingQueryFields.limit })

/** The response to a kill, and to streamed input. */
export const execAcknowledgementSchema = z.object({ message: z.string() }).meta({ id: 'ExecAcknowledgement' })

export const killExecBodySchema = z
  .object({ signal: z.enum(processSignals).nullish().meta({ description: 'Default: SIGTERM.' }) })
  .meta({ id: 'KillExecBody' })
