import { posix } from 'node:path'
import type { FileEntry } from '../../../../workspace/file.ts'

const kindByFileType: Readonly<Record<number, FileEntry['kind']>> = { 0o10: 'file', 0o4: 'directory', 0o12: 'link' }

/** Parses a line of `stat -c "%f %s %Y"` about the file `name`; `null` if the line has another form. */
export function parseStatLine(name: string, line: string, target: string | null): FileEntry | null {
  const [, hex = '', size, seconds] = /^([0-9a-f]+) (\d+) (-?\d+)$/.exec(line) ?? []
  if (size === undefined || seconds === undefined) return null
  const bits = Number.parseInt(hex, 16)
  const kind = kindByFileType[bits >> 12] ?? 'other'
  return { name, kind, bytes: Number(size), mode: bits & 0o7777, modifiedAt: Number(seconds) * 1000, target }
}

/** Parses the output of `statScript` about `path`: the line and, for a link, its target. */
export function parseStatOutput(path: string, output: string): FileEntry | null {
  const end = output.indexOf('\n')
  const target = output.slice(end + 1)
  return parseStatLine(posix.basename(path), output.slice(0, end), target === '' ? null : target.replace(/\n$/, ''))
}

/**
 * Parses the output of `listScript`. A record starts with `/` at the start of a line and ends with a name, which contains
 * no `/` except in its leading `./`.
 */
export function parseListOutput(output: string): readonly FileEntry[] {
  return `\n${output}`
    .split('\n/')
    .slice(1)
    .map((record, index, records) => (index === records.length - 1 ? record.replace(/\n$/, '') : record))
    .flatMap((record) => {
      const [, line = '', name = ''] = /^(\S+ \S+ \S+) \.\/([^]*)$/.exec(record) ?? []
      const entry = parseStatLine(name, line, null)
      return entry === null ? [] : [entry]
    })
}
