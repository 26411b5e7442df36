import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildConsole } from './browser.ts'

let folder: string
beforeAll(() => {
  folder = buildConsole()
})
afterAll(() => rmSync(folder, { recursive: true }))

test('script and styles together are no larger than 150 kB, compressed', () => {
  const sizes = readdirSync(join(folder, 'assets')).map(
    (file) => gzipSync(readFileSync(join(folder, 'assets', file))).length,
  )
  expect(sizes.length).toBe(2)
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(150_000)
})

test('the page has no script and no style in it, and loads nothing from elsewhere', () => {
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=/)
  const loaded = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path)
  expect(loaded.filter((path) => path !== 'data:,' && path?.startsWith('./assets/') !== true)).toEqual([])
  const styles = readdirSync(join(folder, 'assets')).filter((file) => file.endsWith('.css'))
  for (const file of styles) expect(readFileSync(join(folder, 'assets', file), 'utf8')).not.toMatch(/@import|url\(/)
})
