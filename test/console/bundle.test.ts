import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { consoleFolder as folder } from '../vitest/global-setup.ts'

/** The total size of the files in bytes, compressed with gzip. */
function compressed(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, 'assets', file))).length, 0)
}

test('the first view is at most 60 kB, compressed, and everything with the terminal at most 150 kB', () => {
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  const [initial, deferred] = [true, false].map((isInitial) =>
    readdirSync(join(folder, 'assets')).filter((file) => page.includes(file) === isInitial),
  )
  expect([initial?.length, deferred?.length]).toEqual([2, 2])
  expect(compressed(initial ?? [])).toBeLessThanOrEqual(60_000)
  expect(compressed([...(initial ?? []), ...(deferred ?? [])])).toBeLessThanOrEqual(150_000)
})

test('the page has no inline script or style, and loads nothing from other origins', () => {
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=/)
  const loaded = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path)
  expect(loaded.filter((path) => path !== 'data:,' && path?.startsWith('./assets/') !== true)).toEqual([])
  const styles = readdirSync(join(folder, 'assets')).filter((file) => file.endsWith('.css'))
  for (const file of styles) expect(readFileSync(join(folder, 'assets', file), 'utf8')).not.toMatch(/@import|url\(/)
})
