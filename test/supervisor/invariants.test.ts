import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const docs = join(import.meta.dirname, '../../docs')
const page = readFileSync(join(docs, 'invariants.md'), 'utf8')

const laws = page
  .split(/^## Law /m)
  .slice(1)
  .map((section) => ({
    law: Number.parseInt(section, 10),
    tests: [...section.matchAll(/^\| \[.+\]\((.+)\) \| (.+) \|$/gm)].map(([, file = '', name = '']) => ({
      file,
      name,
    })),
  }))

describe('the page on invariants', () => {
  it('has each law once, in order, with a test', () => {
    expect(laws.map(({ law }) => law)).toEqual(Array.from({ length: 13 }, (_, index) => index + 1))
    expect(laws.filter(({ tests }) => tests.length === 0)).toEqual([])
  })

  it.each(laws)('names tests of law $law that are there', ({ tests }) => {
    const missing = tests.filter(({ file, name }) => {
      const path = join(docs, file)
      return !existsSync(path) || !quoted(readFileSync(path, 'utf8')).includes(name)
    })
    expect(missing).toEqual([])
  })
})

/** The names of the tests in a file: every string in it that stands where a name does. */
function quoted(source: string): readonly string[] {
  const strings = source.matchAll(/(?:\b(?:it|test)(?:\.\w+)*\(|\)\(|\btest\.each)\s*(['"`])((?:(?!\1).)+)\1/gs)
  return [...strings].map(([, , name = '']) => name)
}
