import type { LogChunk } from '../../provider/guest.ts'

/** A line of a log, without its line end. */
export interface WorkspaceLogLine {
  /** When its first byte was written, in milliseconds since the epoch; `null` if that is unknown. */
  readonly at: number | null
  readonly source: string
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
  /** True: the line was too long, and continues in the next line of this source and stream. */
  readonly partial: boolean
}

/** A longer line is split. */
export const maxLogLineBytes = 16 * 1024

interface PendingLine {
  at: number | null
  parts: Buffer[]
  bytes: number
}

/** Splits the chunks of a source into lines. A line is complete when its end has come, or when it is too long. */
export function lineSplitter(source: string) {
  const pending = new Map<LogChunk['stream'], PendingLine>()

  function takeLine(stream: LogChunk['stream'], line: PendingLine, at: number | null): WorkspaceLogLine {
    const joined = line.parts.length === 1 && line.parts[0] ? line.parts[0] : Buffer.concat(line.parts)
    const partial = joined.length > maxLogLineBytes
    const bytes = partial ? joined.subarray(0, utf8Boundary(joined)) : joined
    const startedAt = line.at
    const rest = joined.subarray(bytes.length)
    Object.assign(line, { at, parts: partial ? [rest] : [], bytes: rest.length })
    return { at: startedAt, source, stream, bytes, partial }
  }

  return {
    *lines({ stream, bytes, at }: LogChunk): Generator<WorkspaceLogLine, void, undefined> {
      const line = pending.get(stream) ?? { at, parts: [], bytes: 0 }
      pending.set(stream, line)
      for (let from = 0; from < bytes.length; ) {
        const end = bytes.indexOf(10, from)
        const part = bytes.subarray(from, end === -1 ? bytes.length : end)
        if (line.parts.length === 0) line.at = at
        line.parts.push(part)
        line.bytes += part.length
        while (line.bytes > maxLogLineBytes) yield takeLine(stream, line, at)
        if (end === -1) return
        yield takeLine(stream, line, at)
        from = end + 1
      }
    },

    /** The unterminated lines, at the end of the output. */
    *flush(): Generator<WorkspaceLogLine, void, undefined> {
      for (const [stream, line] of pending) if (line.bytes > 0) yield takeLine(stream, line, null)
    },
  }
}

/** Where to split a line that is too long without splitting a UTF-8 character. */
function utf8Boundary(bytes: Buffer): number {
  for (let index = maxLogLineBytes; index > maxLogLineBytes - 4; index -= 1)
    if (((bytes[index] ?? 0) & 0xc0) !== 0x80) return index
  return maxLogLineBytes
}
