import { readdirSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { folderRules } from './folder-rules.ts'
import { importTarget, roomOf, sourceFiles as files, sourceText as textOf } from './source-files.ts'
import { type Import, readsEnvironment, readImports } from './source-imports.ts'

/** Entry points: they assemble a program, and no file imports them. */
const roots = ['main.ts', 'demo.ts']
/** The files that may read the environment; all others receive what they need as arguments. */
const readers = [...roots, 'config/config.ts', 'cli/main.ts']

const packageOf = (name: string) =>
  (name.startsWith('@') ? name.split('/').slice(0, 2) : name.split('/').slice(0, 1)).join('/')

/** Why `file` may not have this import; `undefined` if it may. */
function violation(file: string, { specifier: name, typeOnly }: Import): string | undefined {
  const folder = folderRules[roomOf(file)]
  if (folder === undefined) return 'its room has no rules'
  if (name.startsWith('.')) {
    const target = importTarget(file, name)
    if (target.startsWith('..')) return 'it lies outside of src'
    if (roots.includes(target)) return 'an entry point is never imported'
    const importedFolder = roomOf(target)
    const open =
      folder.folders === 'everything' || importedFolder === roomOf(file) || folder.folders.includes(importedFolder)
    return open || (typeOnly && folder.folders.includes(`type:${importedFolder}`))
      ? undefined
      : `${roomOf(file)} may not import ${importedFolder}`
  }
  if (isBuiltin(name)) {
    if (!name.startsWith('node:')) return `write node:${name}`
    return folder.builtins === undefined || folder.builtins.includes(name)
      ? undefined
      : `${roomOf(file)} may not import ${name}`
  }
  const open =
    folder.packages === 'everything' ||
    [packageOf(name), packageOf(name).split('/')[0]].some((own) => folder.packages.includes(own ?? ''))
  return open ? undefined : `${roomOf(file)} may not import the package ${packageOf(name)}`
}

test.each(files)('src/%s imports only what its room may import', (file) => {
  const violations = readImports(file, textOf(file)).flatMap((found) => {
    const why = violation(file, found)
    return why === undefined ? [] : [`src/${file}:${found.line} imports ${found.specifier}: ${why}`]
  })
  expect(violations).toEqual([])
})

test.each<[file: string, text: string, allowed: boolean]>([
  ['machines/a.ts', "import { b } from './b.ts'", true],
  ['machines/a.ts', "import { b } from '../workspace/id.ts'", true],
  ['machines/a.ts', "import { randomUUID } from 'node:crypto'", true],
  ['machines/a.ts', "import type { Store } from '../persistence/store.ts'", false],
  ['machines/a.ts', "import { setTimeout } from 'node:timers/promises'", false],
  ['machines/a.ts', "import { z } from 'zod'", false],
  ['workspace/a.ts', "export { machine } from '../machines/workspace-machine.ts'", false],
  ['persistence/a.ts', "type A = import('../machines/a.ts').A", false],
  ['provider/docker/a.ts', "const docker = await import('dockerode')", true],
  ['provider/docker/a.ts', "const store = await import('../../persistence/store.ts')", false],
  ['http/routes/a.ts', "import { view } from '../../machines/view.ts'", true],
  ['http/routes/a.ts', "import type { Store } from '../../persistence/store.ts'", false],
  ['http/a.ts', "import swagger from '@fastify/swagger'", true],
  ['http/a.ts', "import { config } from '../config/config.ts'", false],
  ['http/a.ts', "import { readFile } from 'fs'", false],
  ['console/a.ts', "import { readFile } from 'node:fs'", false],
  ['demo.ts', "import { main } from './main.ts'", false],
  ['main.ts', "import { build } from './http/app.ts'", true],
  ['main.ts', "import { fake } from '../test/fake.ts'", false],
  ['new-room/a.ts', "import { b } from './b.ts'", false],
])('in src/%s, %s is allowed: %s', (file, text, allowed) => {
  const [imported] = readImports(file, text)
  expect(imported === undefined ? 'no import found' : violation(file, imported) === undefined).toBe(allowed)
})

test('only entry points and the configuration read the environment', () => {
  const violations = files.filter((file) => !readers.includes(file) && readsEnvironment(file, textOf(file)))
  expect(violations).toEqual([])
})

test.each<[text: string, reads: boolean]>([
  ['const home = process.env.HOME', true],
  ["const home = process['env'].HOME", true],
  ['const { env } = process', true],
  ["import { env } from 'node:process'", true],
  ["import process from 'node:process'\nprocess.exit(1)", false],
  ['// process.env is not read here', false],
  ['process.on("exit", end)', false],
])('%j reads the environment: %s', (text, reads) => {
  expect(readsEnvironment('a.ts', text)).toBe(reads)
})

test('file names are kebab-case and not vague', () => {
  const vagueName = /^(utils?|helpers?|common|types?|constants?|index|misc|shared)$/
  const testFiles = readdirSync(join(import.meta.dirname, '..'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const names = [...files, ...testFiles].filter((file) => {
    const stem = basename(file).replace(/(\.live)?(\.test)?\.tsx?$/, '')
    return !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(stem) || vagueName.test(stem)
  })
  expect(names).toEqual([])
})

test('the search finds the files of src', () => {
  expect(files).toContain('workspace/id.ts')
  expect(new Set(files.map(roomOf)).size).toBeGreaterThan(3)
})

test('no folder of src has more than 15 files', () => {
  const counts = new Map<string, number>()
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1)
  const large = [...counts].filter(([, count]) => count > 15)
  expect(large).toEqual([])
})

/** The shortest import cycle through each file that is part of one, imports of types included. */
function cycles(importsByFile: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Set<string>()
  for (const start of importsByFile.keys()) {
    const previous = new Map<string, string>()
    const queue = [start]
    for (const file of queue)
      for (const target of importsByFile.get(file) ?? []) {
        if (previous.has(target)) continue
        previous.set(target, file)
        queue.push(target)
      }
    if (!previous.has(start)) continue
    const path = [start]
    let file = previous.get(start) ?? start
    while (file !== start) {
      path.unshift(file)
      file = previous.get(file) ?? start
    }
    const first = path.indexOf([...path].sort()[0] ?? start)
    found.add([...path.slice(first), ...path.slice(0, first + 1)].join(' → '))
  }
  return [...found]
}

test('no file of src imports itself through others, not even by a type', () => {
  const importsOf = (file: string) =>
    readImports(file, textOf(file)).flatMap(({ specifier }) =>
      specifier.startsWith('.') ? [importTarget(file, specifier)] : [],
    )
  const found = cycles(new Map(files.map((file) => [file, importsOf(file)])))
  expect(found).toEqual([])
})

test('a cycle is reported once, with its path', () => {
  const graph = new Map([
    ['a.ts', ['b.ts', 'd.ts']],
    ['b.ts', ['c.ts']],
    ['c.ts', ['a.ts']],
    ['d.ts', ['b.ts']],
  ])
  expect(cycles(graph)).toEqual(['a.ts → b.ts → c.ts → a.ts', 'a.ts → d.ts → b.ts → c.ts → a.ts'])
  expect(cycles(new Map([['a.ts', ['b.ts']]]))).toEqual([])
})
