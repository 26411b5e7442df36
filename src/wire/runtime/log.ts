import { z } from 'zod'

export const logQuerySchema = z.object({
  follow: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: '`true` keeps the stream open and sends new lines as they are written.' }),
  since: z.iso.datetime({ offset: true }).optional().meta({ description: 'Only lines written at or after this time.' }),
  tail: z.coerce.number().int().min(0).max(1_000_000).optional().meta({ description: 'Only the last `tail` lines.' }),
})

/** A log line without its line end, or a part of one that is longer than 16 KiB. */
export const logLineSchema = z
  .object({
    at: z.iso
      .datetime()
      .optional()
      .meta({ description: 'When the line was written; absent if the provider keeps no times.' }),
    source: z.string().meta({
      description: '`main` for the main process, otherwise the lifecycle command, for example `postCreateCommand`.',
    }),
    stream: z.enum(['stdout', 'stderr']),
    data: z.string(),
    encoding: z.literal('base64').optional().meta({ description: 'Present if the bytes are not valid UTF-8.' }),
    cut: z.literal(true).optional().meta({
      description: 'Present if the line was too long: it continues in the next line of the same source and stream.',
    }),
  })
  .meta({ id: 'LogLine' })
export type LogLine = z.infer<typeof logLineSchema>
