import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openTestServer } from '../test-server.ts'

/** A folder with the structure of a built console. */
function builtFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'console-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  mkdirSync(join(dir, 'console/assets'), { recursive: true })
  writeFileSync(join(dir, 'console/index.html'), '<!doctype html><title>vm-api console</title>')
  writeFileSync(join(dir, 'console/assets/index-abc123.js'), 'export {}')
  writeFileSync(join(dir, 'secret'), 'not to be seen')
  return join(dir, 'console')
}

const anonymous = { headers: { 'x-user': undefined } }

test('the console needs no authentication, has a strict policy, and its page is always revalidated', async () => {
  const { inject } = await openTestServer({ consoleFolder: builtFolder() })
  const redirect = await inject('GET', '/console', anonymous)
  expect([redirect.statusCode, redirect.headers.location]).toEqual([302, 'console/'])
  const page = await inject('GET', '/console/', anonymous)
  expect(page.statusCode).toBe(200)
  expect(page.body).toContain('vm-api console')
  expect(page.headers).toMatchObject({ 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' })
  const policy = String(page.headers['content-security-policy'])
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'")
  expect(policy.replace("style-src 'self' 'unsafe-inline'", '')).not.toContain('unsafe')
})

test('a file with a hash in its name is cached forever, and a missing one is not cached', async () => {
  const { inject } = await openTestServer({ consoleFolder: builtFolder() })
  const file = await inject('GET', '/console/assets/index-abc123.js', anonymous)
  expect(file.statusCode).toBe(200)
  expect(file.headers['cache-control']).toBe('public, max-age=31536000, immutable')
  const missing = await inject('GET', '/console/assets/index-def456.js', anonymous)
  expect([missing.statusCode, missing.headers['cache-control']]).toEqual([404, 'no-store'])
})

test.each(['/console/../secret', '/console/..%2fsecret', '/console/%2e%2e/secret', '/console/assets/..%2f..%2fsecret'])(
  'nothing outside the console folder is served: %s',
  async (path) => {
    const { inject } = await openTestServer({ consoleFolder: builtFolder() })
    const response = await inject('GET', path, anonymous)
    expect(response.statusCode).toBeGreaterThanOrEqual(400)
    expect(response.body).not.toContain('not to be seen')
  },
)

test('a service without a built console says how to build it', async () => {
  const { inject } = await openTestServer()
  const response = await inject('GET', '/console/', anonymous)
  expect(response.statusCode).toBe(404)
  expect(response.body).toBe('The console is not built. Run npm run build.\n')
})
