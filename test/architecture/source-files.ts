import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'

export const sourceRoot = join(import.meta.dirname, '../../src')

/** Every TypeScript file of `src`, as a path relative to it with `/`. */
export const sourceFiles: readonly string[] = readdirSync(sourceRoot, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => file.split(sep).join('/'))

export const sourceText = (file: string): string => readFileSync(join(sourceRoot, file), 'utf8')

/** The room of a file: its top folder, or the file itself if it lies in `src`. */
export const roomOf = (file: string): string => (file.split('/')[0] ?? '').replace(/\.tsx?$/, '')

/** The file that a relative import names; it may lie outside `src`. */
export const importTarget = (file: string, specifier: string): string =>
  posix.normalize(posix.join(posix.dirname(file), specifier))
