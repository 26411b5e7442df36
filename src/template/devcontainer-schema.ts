import { posix } from 'node:path'
import { z } from 'zod'
import { lifecycleCommandSchema } from './lifecycle-command.ts'
import { parseMemoryBytes } from './memory.ts'

// What we honour of a devcontainer.json. Each message is a remedy: what to write instead.

const MiB = 1024 ** 2

const environment = z
  .record(
    z.string().regex(/^[^=\0]+$/, 'Name the variable without `=`.'),
    z.string('Write text, in quotes.').refine((text) => !text.includes('\0'), 'Leave the NUL character out.'),
    'Write an object of names and texts.',
  )
  .default({})

const flag = (defaultValue: boolean) => z.boolean('Write true or false, without quotes.').default(defaultValue)

const folderRemedy = 'Write an absolute path without `..`, as `/workspace`.'
const limitRemedies = {
  cpus: 'Write a number from 0.01 to 1024, as 1.5.',
  memory: 'Write a size of at least 6 MiB, as "512MiB" or "2g".',
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
  { error: 'Write an object that has `cpus`, `memory` and `pids`, or some of them.' },
)

const imageRemedy = 'Name an image, as `debian:13.3-slim`.'
const userRemedy = 'Name a user, as `node`, or its numbers, as `1000:1000`.'
const portRemedy = 'Write a port from 1 to 65535, without quotes.'
const port = z.int(portRemedy).min(1, portRemedy).max(65_535, portRemedy)

export const devcontainerSchema = z.object({
  name: z.string('Write text, in quotes.').optional(),
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

/** The fields that mean something here; any other is named in the log, or refused. */
export const supportedFields: readonly string[] = Object.keys(devcontainerSchema.shape)
