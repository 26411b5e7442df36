import { z } from 'zod'

export const filePath = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => !path.includes('\0'), 'must not have a NUL')
  .refine((path) => !path.split('/').includes('..'), 'must not have a part ".."')
  .meta({
    description: "Absolute inside the workspace, or relative to the template's `workspaceFolder`; `.` is that folder.",
  })

export const fileEntry = z
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
export type FileEntryShown = z.infer<typeof fileEntry>

const flag = z.enum(['true', 'false']).default('false')

export const pathQuery = z.object({ path: filePath })
export const writeQuery = z.object({
  path: filePath,
  append: flag.meta({ description: '`true`: what is sent is put at the end of the file.' }),
  mode: z
    .string()
    .regex(/^[0-7]{3,4}$/, 'must be permission bits in octal, 644 say')
    .optional()
    .meta({ description: 'Permission bits in octal. By default those of the file that is there, else 644.' }),
})
export const removeQuery = z.object({
  path: filePath,
  recursive: flag.meta({ description: '`true`: a directory goes with what is in it.' }),
})
export const makeDirectory = z.object({ path: filePath }).meta({ id: 'MakeDirectory' })
export const moveFile = z.object({ from: filePath, to: filePath }).meta({ id: 'MoveFile' })
export const fileDone = z.object({ message: z.literal('Done') })
