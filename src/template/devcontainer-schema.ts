import { posix } from 'node:path'
import { z } from 'zod'
import { lifecycleCommandSchema } from './lifecycle-command.ts'

// The supported part of a devcontainer.json. Each message is a remedy: it says what to write instead.

const MiB = 1024 ** 2

const environment = z
  .record(
    z.string().regex(/^[^=\0]+$/, 'Name the variable without `=`.'),
    z.string('Write a string.').refine((text) => !text.includes('\0'), 'Remove the NUL character.'),
    'Write an object of names and strings.',
  )
  .default({})

const flag = (defaultValue: boolean) => z.boolean('Write true or false, without quotes.').default(defaultValue)

const folderRemedy = 'Write an absolute path without `..`, for example `/workspace`.'
const limitRemedies = {
  cpus: 'Write a number from 0.01 to 1024, for example 1.5.',
  memory: 'Write a size of at least 6 MiB, for example "512MiB" or "2g".',
  pids: 'Write a whole number from 16 to 4194304.',
}

const limits = z.strictObject(
  {
    cpus: z.number(limitRemedies.cpus).min(0.01, limitRemedies.cpus).max(1024, limitRemedies.cpus).default(1),
    memory: z
      .unknown()
      .transform(parseMemoryBytes)
      .pipe(z.number(limitRemedies.memory).min(6 * MiB, limitRemedies.memory))
      .prefault('2g'),
    pids: z.int(limitRemedies.pids).min(16, limitRemedies.pids).max(4_194_304, limitRemedies.pids).default(512),
  },
  { error: 'Write an object with any of `cpus`, `memory` and `pids`.' },
)

const imageRemedy = 'Name an image, for example `debian:13.3-slim`.'
const userRemedy = 'Name a user, for example `node`, or its ids, for example `1000:1000`.'
const portRemedy = 'Write a port from 1 to 65535, without quotes.'
const port = z.int(portRemedy).min(1, portRemedy).max(65_535, portRemedy)

export const devcontainerSchema = z.object({
  name: z.string('Write a string.').optional(),
  image: z.string(imageRemedy).regex(/^[A-Za-z0-9][\w./:@-]*$/, imageRemedy),
  containerEnv: environment,
  remoteEnv: environment,
  remoteUser: z
    .string(userRemedy)
    .regex(/^[A-Za-z0-9_][\w.-]*(:[A-Za-z0-9_][\w.-]*)?$/, userRemedy)
    .optional(),
  workspaceFolder: z
    .string(folderRemedy)
    .refine((path) => path.startsWith('/') && !path.split('/').includes('..') && !/\p{Cc}/u.test(path), folderRemedy)
    .transform((path) => posix.normalize(path).replace(/(?<=.)\/+$/, ''))
    .default('/workspace'),
  forwardPorts: z
    .array(z.union([port, z.string().regex(/^[^:]+:\d+$/, portRemedy)], portRemedy), 'Write a list of ports.')
    .default([]),
  onCreateCommand: lifecycleCommandSchema('onCreateCommand'),
  postCreateCommand: lifecycleCommandSchema('postCreateCommand'),
  postStartCommand: lifecycleCommandSchema('postStartCommand'),
  overrideCommand: flag(true),
  init: flag(true),
  customizations: z.looseObject({ 'vm-api': limits.prefault({}) }, 'Write an object.').prefault({}),
})

export type DevcontainerDefinition = z.infer<typeof devcontainerSchema>

/** The supported fields. Any other field is reported in the log, or refused. */
export const supportedFields: readonly string[] = Object.keys(devcontainerSchema.shape)

const memoryUnits: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/**
 * Parses a memory size: a whole number of bytes, or a string in the form of container engines and dev containers (`2g`, `2gb`, `1.5GiB`,
 * `512 MiB`). Units are powers of 1024, as theirs are. Returns `undefined` for anything else.
 */
export function parseMemoryBytes(size: unknown): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) ? size : undefined
  const [, amount, unit] =
    typeof size === 'string' ? (/^(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(?:i?b)?)$/i.exec(size.trim()) ?? []) : []
  if (amount === undefined) return undefined
  const bytes = Math.round(Number(amount) * (memoryUnits[(unit ?? '').toLowerCase()] ?? Number.NaN))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
