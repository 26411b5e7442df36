import type { LogPiece } from '../provider/inside.ts'

/** A line that was written, without its end. */
export interface LoggedLine {
  /** When it began to be written, milliseconds since the epoch; `null` if that is not kept. */
  readonly at: number | null
  readonly source: string
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
  /** True: the line was too long, and goes on in the next one of this source and stream. */
  readonly cut: boolean
}

/** A longer line is told in parts. */
export const longestLine = 16 * 1024

interface OpenLine {
  at: number | null
  parts: Buffer[]
  bytes: number
}

/** Makes lines of the pieces that a source wrote. A line is told when its end has come, or when it is too long. */
export function lineCutter(source: string) {
  const open = new Map<LogPiece['stream'], OpenLine>()

  function take(stream: LogPiece['stream'], line: OpenLine, at: number | null): LoggedLine {
    const all = line.parts.length === 1 && line.parts[0] ? line.parts[0] : Buffer.concat(line.parts)
    const cut = all.length > longestLine
    const bytes = cut ? all.subarray(0, wholeCharacters(all)) : all
    const begun = line.at
    const rest = all.subarray(bytes.length)
    Object.assign(line, { at, parts: cut ? [rest] : [], bytes: rest.length })
    return { at: begun, source, stream, bytes, cut }
  }

  return {
    *lines({ stream, bytes, at }: LogPiece): Generator<LoggedLine, void, undefined> {
      const line = open.get(stream) ?? { at, parts: [], bytes: 0 }
      open.set(stream, line)
      for (let from = 0; from < bytes.length; ) {
        const end = bytes.indexOf(10, from)
        const part = bytes.subarray(from, end === -1 ? bytes.length : end)
        if (line.parts.length === 0) line.at = at
        line.parts.push(part)
        line.bytes += part.length
        while (line.bytes > longestLine) yield take(stream, line, at)
        if (end === -1) return
        yield take(stream, line, at)
        from = end + 1
      }
    },

    /** What has no end yet, as lines: nothing more comes. */
    *rest(): Generator<LoggedLine, void, undefined> {
      for (const [stream, line] of open) if (line.bytes > 0) yield take(stream, line, null)
    },
  }
}

/** Where to cut bytes that are too many for a line, so that no UTF-8 character is torn. */
function wholeCharacters(bytes: Buffer): number {
  for (let at = longestLine; at > longestLine - 4; at -= 1) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at
  return longestLine
}
