import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { useCliFixture } from './vm-fixture.ts'

const fixture = useCliFixture()
beforeAll(async () => {
  await fixture().createWorkspace('box')
})

/** A local directory for one test. Returns paths in it. */
function folder(name: string): (path: string) => string {
  const root = join(fixture().home, name)
  mkdirSync(root)
  return (path) => join(root, path)
}

/** Runs a script in the workspace, and returns its stdout. */
const execInBox = async (script: string) => (await fixture().vm(['exec', 'box', '--', 'sh', '-c', script])).stdout

test('a file is copied in and out unchanged, with its mode', async () => {
  const { vm } = fixture()
  const at = folder('file')
  const bytes = randomBytes(1_000_000)
  writeFileSync(at('random'), bytes)
  chmodSync(at('random'), 0o750)
  expect(await vm(['cp', at('random'), 'box:'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect(await execInBox('ls -l random | cut -c1-10')).toBe('-rwxr-x---\n')
  expect(await vm(['cp', 'box:random', at('back')])).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect(readFileSync(at('back')).equals(bytes)).toBe(true)
  expect(statSync(at('back')).mode & 0o777).toBe(0o750)
  expect((await vm(['cp', 'box:random', '-'])).bytes.equals(bytes)).toBe(true)
  expect(JSON.parse((await vm(['cp', '--json', at('random'), 'box:again'])).stdout)).toMatchObject({
    files: 1,
    bytes: 1_000_000,
  })
})

test('stdin is copied to a file', async () => {
  expect(await fixture().vm(['cp', '-', 'box:piped'], { input: 'a\0b' })).toMatchObject({ code: 0 })
  expect(await execInBox('od -An -c piped')).toMatch(/a +\\0 +b/)
})

test('a file copied to an existing directory keeps its name, in both directions', async () => {
  const { vm } = fixture()
  const at = folder('into')
  mkdirSync(at('here'))
  writeFileSync(at('note'), 'n')
  await execInBox('mkdir there')
  await vm(['cp', at('note'), 'box:there'])
  expect(await execInBox('cat there/note')).toBe('n')
  await vm(['cp', 'box:there/note', at('here')])
  expect(readFileSync(at('here/note'), 'utf8')).toBe('n')
})

test('a directory is copied in and out with links and modes', async () => {
  const { vm } = fixture()
  const at = folder('tree')
  mkdirSync(at('site/deep/er'), { recursive: true })
  writeFileSync(at('site/deep/er/page'), 'page')
  writeFileSync(at('site/run'), '#!/bin/sh\n')
  chmodSync(at('site/run'), 0o755)
  symlinkSync('deep/er/page', at('site/link'))
  expect(await vm(['cp', at('site'), 'box:new'])).toMatchObject({ code: 0, stderr: '' })
  expect(await execInBox('cd new; find . | sort; cat link')).toBe(
    '.\n./deep\n./deep/er\n./deep/er/page\n./link\n./run\npage',
  )
  await vm(['cp', at('site'), 'box:new'])
  expect(await execInBox('ls new/site')).toBe('deep\nlink\nrun\n')
  await vm(['cp', `${at('site')}/.`, 'box:new/deep'])
  expect(await execInBox('ls new/deep')).toBe('deep\ner\nlink\nrun\n')
  expect(await vm(['cp', 'box:new/site', at('back')])).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(at('back/link'), 'utf8')).toBe('page')
  expect(readlinkSync(at('back/link'))).toBe('deep/er/page')
  expect(statSync(at('back/run')).mode & 0o777).toBe(0o755)
  expect(await fixture().shell('$VM cp box:new/site - | tar t | sed "s#/\\$##" | sort')).toMatchObject({
    stdout: expect.stringContaining('./deep/er/page\n'),
  })
})

test('a copied directory cannot write outside its target', async () => {
  const { vm } = fixture()
  const at = folder('trap')
  mkdirSync(at('outside'))
  mkdirSync(at('target'))
  // A link has the name of a directory in the archive.
  symlinkSync(at('outside'), at('target/sub'))
  await execInBox('mkdir -p trap/sub; echo stolen > trap/sub/file')
  const result = await vm(['cp', 'box:trap/.', at('target')])
  expect(result.code).toBe(1)
  expect(result.stderr).toContain('outside the target directory')
  expect(() => readFileSync(at('outside/file'))).toThrow()
})

test.each<[args: string[], code: number, message: RegExp]>([
  [['cp', 'a', 'b'], 2, /Exactly one of FROM and TO must be in a workspace/],
  [['cp', 'box:a', 'box:b'], 2, /Exactly one of FROM and TO must be in a workspace/],
  [['cp', '/no/such', 'box:'], 1, /\/no\/such does not exist/],
  [['cp', 'box:no-such', '.'], 1, /does not exist|no such file/i],
  [['cp', 'box:../..', '.'], 1, /"\.\."/],
  [['cp', '-', 'box:no/folder/x'], 1, /does not exist|no such file/i],
])('vm %j ends with %i and an explanation', async (args, code, message) => {
  const result = await fixture().vm(args, { input: '' })
  expect(result).toMatchObject({ code, stdout: '' })
  expect(result.stderr).toMatch(message)
})
