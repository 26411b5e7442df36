import { describe, expect, it } from 'vitest'
import { missingTests, readPage } from './named-tests.ts'

const rows = readPage('failures.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what fails'))
  .map((line) => {
    const cells = line.split('|').slice(1, -1)
    const [failure = ''] = cells
    const tests = [...(cells.at(-1) ?? '').matchAll(/\[(.+?)\]\((\.\.\/test\/[^)]+)\)/g)]
    return {
      what: failure.trim(),
      cells: cells.map((cell) => cell.trim()),
      tests: tests.map(([, name = '', file = '']) => ({ file, name })),
    }
  })

describe('the page on failures', () => {
  it('has for each failure what users see, what the service does and what is guaranteed', () => {
    expect(rows.length).toBeGreaterThan(30)
    expect(rows.filter(({ cells }) => cells.length !== 5 || cells.includes('')).map(({ what }) => what)).toEqual([])
    expect(new Set(rows.map(({ what }) => what)).size).toBe(rows.length)
  })

  it.each(rows)('names existing tests: $what', ({ tests }) => {
    expect(tests.length).toBeGreaterThan(0)
    expect(missingTests(tests)).toEqual([])
  })
})
