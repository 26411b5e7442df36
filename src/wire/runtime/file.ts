import { z } from 'zod'

export const filePathSchema = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => !path.includes('\0'), 'must not have a NUL')
  .refine((path) => !path.split('/').includes('..'), 'must not have a part ".."')
  .meta({
    description: "Absolute inside the workspace, or relative to the template's `workspaceFolder`; `.` is that folder.",
  })

export const fileEntryResponseSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['file', 'directory', 'link', 'other']),
    bytes: z.int(),
    mode: z
      .string()
      .regex(/^[0-7]{4}$/)
      .meta({ description: 'Permission bits in octal, `0644` say.' }),
    modified_at: z.iso.datetime(),
    target: z.string().optional().meta({ description: 'Where a link leads; not in lists.' }),
  })
  .meta({ id: 'FileEntry' })
export type FileEntryResponse = z.infer<typeof fileEntryResponseSchema>

const booleanQuerySchema = z.enum(['true', 'false']).default('false')

export const filePathQuerySchema = z.object({ path: filePathSchema })
export const writeFileQuerySchema = z.object({
  path: filePathSchema,
  append: booleanQuerySchema.meta({ description: '`true`: what is sent is put at the end of the file.' }),
  mode: z
    .string()
    .regex(/^[0-7]{3,4}$/, 'must be permission bits in octal, 644 say')
    .optional()
    .meta({ description: 'Permission bits in octal. By default those of the file that is there, else 644.' }),
})
export const removeFileQuerySchema = z.object({
  path: filePathSchema,
  recursive: booleanQuerySchema.meta({ description: '`true`: a directory goes with what is in it.' }),
})
export const makeDirectoryBodySchema = z.object({ path: filePathSchema }).meta({ id: 'MakeDirectory' })
export const moveFileBodySchema = z.object({ from: filePathSchema, to: filePathSchema }).meta({ id: 'MoveFile' })
export const fileAcknowledgementSchema = z.object({ message: z.literal('Done') })
