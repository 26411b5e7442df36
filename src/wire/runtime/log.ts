import { z } from 'zod'

export const logQuerySchema = z.object({
  follow: z.enum(['true', 'false']).default('false').meta({ description: '`true`: stay, and tell what comes.' }),
  since: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'Only what was written at this time or later.' }),
  tail: z.coerce.number().int().min(0).max(1_000_000).optional().meta({ description: 'Only the last so many lines.' }),
})

/** A line of the stream: a line that was written, without its end; or a part of it, if it has more than 16 KiB. */
export const logLineSchema = z
  .object({
    at: z.iso.datetime().optional().meta({ description: 'When it was written; not there if that is not kept.' }),
    source: z
      .string()
      .meta({ description: '`main`: the main process; else the lifecycle command, `postCreateCommand` say.' }),
    stream: z.enum(['stdout', 'stderr']),
    data: z.string(),
    encoding: z.literal('base64').optional().meta({ description: 'There if the bytes are no UTF-8.' }),
    cut: z
      .literal(true)
      .optional()
      .meta({ description: 'There if the line was too long: it goes on in the next one of this source and stream.' }),
  })
  .meta({ id: 'LogLine' })
export type LogLine = z.infer<typeof logLineSchema>
