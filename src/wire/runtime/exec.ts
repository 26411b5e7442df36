import { z } from 'zod'
import { processSignals } from '../../workspace/guest-process.ts'
import { pagingQueryFields } from '../paging.ts'

/** Text that an operating system can take as one word of a command line. */
export const nulFreeTextSchema = z.string().refine((text) => !text.includes('\0'), 'must not have a NUL')

const execIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'must be 1 to 64 letters, digits, - and _, and begin with a letter or digit',
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
        'must be text, or a list of 1 to 4096 texts, without a NUL',
      )
      .meta({ description: 'An argument list that no shell reads, or text for the shell of the workspace.' }),
    env: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable'), nulFreeTextSchema)
      .nullish()
      .meta({ description: "Beside the template's `remoteEnv`, and before it." }),
    cwd: nulFreeTextSchema
      .min(1)
      .nullish()
      .meta({ description: "Where it begins: absolute, or relative to the template's `workspaceFolder`." }),
    user: nulFreeTextSchema.min(1).nullish().meta({ description: "By default the template's `remoteUser`." }),
    stdin: z
      .union(
        [z.literal('stream'), z.string(), stdinDataSchema],
        'must be a text, or {"data", "encoding"} with data that is so',
      )
      .nullish()
      .meta({
        description:
          'What it reads: a text, or bytes as base64; or `stream`: then it comes with PUT …/exec/{exec_id}/stdin. By default nothing.',
      }),
    timeout_ms: z
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .nullish()
      .meta({ description: 'After so long it is killed, with all that it started. By default it may run for ever.' }),
    exec_id: execIdSchema
      .nullish()
      .meta({ description: 'Chosen by the client: the same again is the same run, and runs nothing.' }),
  })
  .meta({ id: 'StartExec' })
export type StartExecBody = z.infer<typeof startExecBodySchema>

const seqSchema = z.int().min(1).meta({ description: 'Counts the lines of this run from 1, without a gap.' })

/** A line of the stream: a piece of output. */
export const execOutputSchema = z
  .object({
    seq: seqSchema,
    stream: z.enum(['stdout', 'stderr']),
    data: z.string(),
    encoding: z.literal('base64').optional().meta({ description: 'There if the bytes are no UTF-8, or shorter so.' }),
  })
  .meta({ id: 'ExecOutput' })

/** A line of the stream that says that output is missing here, because nobody read it for a minute. */
export const execDroppedSchema = z.object({ seq: seqSchema, dropped_bytes: z.int().min(1) }).meta({ id: 'ExecDropped' })

/** The last line of the stream. One of `exit_code`, `signal` and `error` is there. */
export const execEndSchema = z
  .object({
    seq: seqSchema,
    exit_code: z.int().optional(),
    signal: z.string().optional().meta({ description: 'It was killed by this signal.' }),
    error: z.string().optional().meta({
      description:
        '`timeout`, `stdin-cut-off`, or `lost`: its end was not seen, the service or the workspace went down meanwhile.',
    }),
    duration_ms: z.int().min(0),
  })
  .meta({ id: 'ExecEnd' })

export const execLineSchema = z.union([execOutputSchema, execDroppedSchema, execEndSchema])
export type ExecLine = z.infer<typeof execLineSchema>
export type ExecEnd = z.infer<typeof execEndSchema>

/** A run as the list of recent ones shows it. */
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
  .meta({ id: 'ExecRun' })
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
      description: 'Go on after the line with this `seq`. Left out: from the oldest that is kept.',
    }),
  follow: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: '`true`: stay until it has ended; else what there is now.' }),
})

export const execListQuerySchema = z.object({ limit: pagingQueryFields.limit })

/** What a kill, and input that was handed on, are answered with. */
export const execAcknowledgementSchema = z.object({ message: z.string() }).meta({ id: 'ExecDone' })

export const killExecBodySchema = z
  .object({ signal: z.enum(processSignals).nullish().meta({ description: 'By default SIGTERM.' }) })
  .meta({ id: 'KillExec' })
