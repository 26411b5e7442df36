import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { consoleFolder as folder } from '../vitest/global-setup.ts'

/** How large files are together, compressed. */
function compressed(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, 'assets', file))).length, 0)
}

test('script and styles together are no larger than 150 kB, compressed, and the terminal is none of the first view', () => {
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  const [first, later] = [true, false].map((isFirst) =>
    readdirSync(join(folder, 'assets')).filter((file) => page.includes(file) === isFirst),
  )
  expect([first?.length, later?.length]).toEqual([2, 2])
  expect(compressed(first ?? [])).toBeLessThanOrEqual(60_000)
  expect(compressed([...(first ?? []), ...(later ?? [])])).toBeLessThanOrEqual(150_000)
})

test('the page has no script and no style in it, and loads nothing from elsewhere', () => {
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=/)
  const loaded = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path)
  expect(loaded.filter((path) => path !== 'data:,' && path?.startsWith('./assets/') !== true)).toEqual([])
  const styles = readdirSync(join(folder, 'assets')).filter((file) => file.endsWith('.css'))
  for (const file of styles) expect(readFileSync(join(folder, 'assets', file), 'utf8')).not.toMatch(/@import|url\(/)
})
