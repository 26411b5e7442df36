import { describe, expect, it } from 'vitest'
import { missingTests, readPage } from './named-tests.ts'

const laws = readPage('invariants.md')
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

  it.each(laws)('names existing tests for law $law', ({ tests }) => {
    expect(missingTests(tests)).toEqual([])
  })
})
