import { z } from 'zod'

export const filePathSchema = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => !path.includes('\0'), 'must not contain NUL')
  .refine((path) => !path.split('/').includes('..'), 'must not contain a ".." segment')
  .meta({
    description: 'Absolute, or relative to the `workspaceFolder` of the template; `.` is that folder.',
  })

export const fileEntryResponseSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['file', 'directory', 'link', 'other']),
    bytes: z.int(),
    mode: z
      .string()
      .regex(/^[0-7]{4}$/)
      .meta({ description: 'Permission bits in octal, for example `0644`.' }),
    modified_at: z.iso.datetime(),
    target: z.string().optional().meta({ description: 'Target of a symbolic link; absent in directory listings.' }),
  })
  .meta({ id: 'FileEntry' })
export type FileEntryResponse = z.infer<typeof fileEntryResponseSchema>

const booleanQuerySchema = z.enum(['true', 'false']).default('false')

export const filePathQuerySchema = z.object({ path: filePathSchema })
export const writeFileQuerySchema = z.object({
  path: filePathSchema,
  append: booleanQuerySchema.meta({ description: '`true` appends the body to the file.' }),
  mode: z
    .string()
    .regex(/^[0-7]{3,4}$/, 'must be permission bits in octal, for example 644')
    .optional()
    .meta({ description: 'Permission bits in octal. Default: those of the existing file, or 644 for a new one.' }),
})
export const removeFileQuerySchema = z.object({
  path: filePathSchema,
  recursive: booleanQuerySchema.meta({ description: '`true` removes a directory with its contents.' }),
})
export const makeDirectoryBodySchema = z.object({ path: filePathSchema }).meta({ id: 'MakeDirectoryBody' })
export const moveFileBodySchema = z.object({ from: filePathSchema, to: filePathSchema }).meta({ id: 'MoveFileBody' })
export const fileAcknowledgementSchema = z.object({ message: z.literal('Done') })
