import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

// Pages that state guarantees name the tests that verify them. These functions find names without a test.

/** A reference to a test in a page. */
export interface NamedTest {
  /** Path relative to `docs`. */
  readonly file: string
  readonly name: string
}

const docs = join(import.meta.dirname, '../../docs')

/** The text of a page in `docs`. */
export function readPage(name: string): string {
  return readFileSync(join(docs, name), 'utf8')
}

/** The references to tests that do not exist or are never run. */
export function missingTests(tests: readonly NamedTest[]): readonly NamedTest[] {
  return tests.filter(({ file, name }) => {
    const path = join(docs, file)
    return !existsSync(path) || !testNamesIn(readFileSync(path, 'utf8')).includes(name)
  })
}

/** The names of the tests in a file: every string in the position of a name. */
export function testNamesIn(source: string): readonly string[] {
  const strings = source.matchAll(
    /(?:\b(?:it|test)(?:\.(?!skip\b|todo\b|fails\b)\w+)*\(|\)\(|\btest\.each)\s*(['"`])((?:(?!\1).)+)\1/gs,
  )
  return [...strings].map(([, , name = '']) => name)
}
