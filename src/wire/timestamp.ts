import { z } from 'zod'

/** A time as the API writes it: RFC 3339, UTC, milliseconds. */
export const timestampSchema = z.iso.datetime({ precision: 3 })
