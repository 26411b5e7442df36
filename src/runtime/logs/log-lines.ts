import type { LogChunk } from '../../provider/guest.ts'

/** A line that was written, without its end. */
export interface WorkspaceLogLine {
  /** When it began to be written, milliseconds since the epoch; `null` if that is not kept. */
  readonly at: number | null
  readonly source: string
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
  /** True: the line was too long, and goes on in the next one of this source and stream. */
  readonly partial: boolean
}

/** A longer line is told in parts. */
export const maxLogLineBytes = 16 * 1024

interface PendingLine {
  at: number | null
  parts: Buffer[]
  bytes: number
}

/** Makes lines of the pieces that a source wrote. A line is told when its end has come, or when it is too long. */
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

    /** What has no end yet, as lines: nothing more comes. */
    *flush(): Generator<WorkspaceLogLine, void, undefined> {
      for (const [stream, line] of pending) if (line.bytes > 0) yield takeLine(stream, line, null)
    },
  }
}

/** Where to cut bytes that are too many for a line, so that no UTF-8 character is torn. */
function utf8Boundary(bytes: Buffer): number {
  for (let index = maxLogLineBytes; index > maxLogLineBytes - 4; index -= 1)
    if (((bytes[index] ?? 0) & 0xc0) !== 0x80) return index
  return maxLogLineBytes
}
