import { posix } from 'node:path'
import type { FileEntry } from '../../../../workspace/file.ts'

const kindByFileType: Readonly<Record<number, FileEntry['kind']>> = { 0o10: 'file', 0o4: 'directory', 0o12: 'link' }

/** What `stat -c "%f %s %Y"` says of the file called `name`; `null` if it is not that. */
export function parseStatLine(name: string, line: string, target: string | null): FileEntry | null {
  const [, hex = '', size, seconds] = /^([0-9a-f]+) (\d+) (-?\d+)$/.exec(line) ?? []
  if (size === undefined || seconds === undefined) return null
  const bits = Number.parseInt(hex, 16)
  const kind = kindByFileType[bits >> 12] ?? 'other'
  return { name, kind, bytes: Number(size), mode: bits & 0o7777, modifiedAt: Number(seconds) * 1000, target }
}

/** What {@link import('./files-scripts.ts').statScript} wrote of `path`: the line, and for a link where it leads. */
export function parseStatOutput(path: string, output: string): FileEntry | null {
  const end = output.indexOf('\n')
  const target = output.slice(end + 1)
  return parseStatLine(posix.basename(path), output.slice(0, end), target === '' ? null : target.replace(/\n$/, ''))
}

/** What `listScript` wrote: a record begins with `/` at the beginning of a line, and ends with a name that has no `/` but in its `./`. */
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
