import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

// A page that promises something names the tests that hold it. This tells whether they are there.

/** A test as a page names it. */
export interface NamedTest {
  /** As the page links to it, relative to `docs`. */
  readonly file: string
  readonly name: string
}

const docs = join(import.meta.dirname, '../../docs')

/** The text of a page in `docs`. */
export function readPage(name: string): string {
  return readFileSync(join(docs, name), 'utf8')
}

/** Those that are not there, or are never run. */
export function missingTests(tests: readonly NamedTest[]): readonly NamedTest[] {
  return tests.filter(({ file, name }) => {
    const path = join(docs, file)
    return !existsSync(path) || !testNamesIn(readFileSync(path, 'utf8')).includes(name)
  })
}

/** The names of the tests in a file: every string in it that stands where a name does. */
export function testNamesIn(source: string): readonly string[] {
  const strings = source.matchAll(
    /(?:\b(?:it|test)(?:\.(?!skip\b|todo\b|fails\b)\w+)*\(|\)\(|\btest\.each)\s*(['"`])((?:(?!\1).)+)\1/gs,
  )
  return [...strings].map(([, , name = '']) => name)
}
