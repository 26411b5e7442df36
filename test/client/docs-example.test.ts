import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { openTestServer } from '../http/test-server.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** Writes the first example of the page to a file, against the sources and the given port. */
function example(port: number, folder: string): string {
  const [, code = ''] = /^```ts\n(.*?)^```/ms.exec(readFileSync(join(root, 'docs/client.md'), 'utf8')) ?? []
  const file = join(folder, 'example.ts')
  const client = join(root, 'src/client/client.ts')
  writeFileSync(
    file,
    code
      .replace("'vm-api/client'", JSON.stringify(client))
      .replace('http://127.0.0.1:3000', `http://127.0.0.1:${port}`),
  )
  return file
}

test('the example in docs/client.md prints what it promises', async () => {
  const { listen } = await openTestServer({ realProcesses: true })
  const folder = mkdtempSync(join(import.meta.dirname, '.example-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { stderr, stdout } = await run(process.execPath, ['--import', 'tsx', example(await listen(), folder)])
  expect({ stderr, stdout }).toEqual({ stderr: '', stdout: 'hello\nexit code 3\nremember\n\n' })
})

test('every export of package.json has a source file', () => {
  const { bin, exports } = Object(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
  const exported = Object.values(Object(exports)).flatMap((entry) =>
    typeof entry === 'string' ? [] : Object.values(Object(entry)),
  )
  const built = [bin.vm, ...exported].map((path) => String(path).replace(/^\.\//, ''))
  for (const path of built)
    expect(
      readFileSync(join(root, path.replace(/^dist/, 'src').replace(/(\.d)?\.[jt]s$/, '.ts')), 'utf8').length,
    ).toBeGreaterThan(0)
  expect(readFileSync(join(root, 'src/cli/main.ts'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
})
