import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, join, posix, sep } from 'node:path'
import { expect, test } from 'vitest'
import { type Import, readsEnvironment, readImports } from './source-imports.ts'

const anything = 'everything'

interface FolderRules {
  /** Rooms that it may import, besides itself; `type:` in front: types only. */
  readonly folders: readonly string[] | typeof anything
  /** npm packages, by name or scope. */
  readonly packages: readonly string[] | typeof anything
  /** Node's own modules; all, if nothing is said. */
  readonly builtins?: readonly string[]
}

/** Who may import what. A folder of `src` is a room, so is a file that lies in `src` itself. */
const folders: Readonly<Record<string, FolderRules>> = {
  main: { folders: anything, packages: anything },
  demo: { folders: anything, packages: anything },
  service: { folders: anything, packages: anything },
  'provider-choice': { folders: ['config', 'persistence', 'provider', 'start-error', 'workspace'], packages: ['pino'] },
  'start-error': { folders: [], packages: [] },
  config: { folders: ['workspace'], packages: ['zod'] },
  logger: { folders: ['workspace'], packages: ['pino'] },
  workspace: { folders: [], packages: ['zod'], builtins: ['node:crypto'] },
  machines: { folders: ['workspace'], packages: ['xstate'], builtins: ['node:crypto'] },
  provider: { folders: ['workspace'], packages: ['dockerode', 'node-pty', 'tar-stream'] },
  template: { folders: ['workspace'], packages: ['zod', 'jsonc-parser'] },
  persistence: { folders: ['workspace'], packages: ['better-sqlite3'] },
  supervisor: { folders: ['workspace', 'machines', 'provider', 'template', 'persistence'], packages: ['xstate'] },
  runtime: { folders: ['workspace', 'provider', 'persistence'], packages: ['@xterm', 'tar-stream'] },
  metrics: { folders: ['workspace', 'machines', 'provider', 'supervisor'], packages: ['prom-client'] },
  wire: { folders: ['workspace'], packages: ['zod'], builtins: ['node:crypto'] },
  http: {
    folders: ['workspace', 'machines', 'supervisor', 'runtime', 'wire'],
    packages: ['fastify', 'ws', '@fastify', 'fastify-type-provider-zod', 'openapi-types', 'close-with-grace', 'zod'],
  },
  client: { folders: ['wire'], packages: [] },
  cli: { folders: ['client', 'wire'], packages: ['commander', 'tar-stream', 'ws'] },
  chart: { folders: ['machines'], packages: ['xstate', 'elkjs'] },
  console: { folders: ['client', 'wire'], packages: ['preact', '@xterm'], builtins: [] },
}

/** Roots of programs: they put the rest together, and nothing builds on them. */
const roots = ['main.ts', 'demo.ts']
/** Where a program begins is where its environment is read; everybody else is handed what it needs. */
const readers = [...roots, 'config/config.ts', 'cli/main.ts']

const src = join(import.meta.dirname, '../../src')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => file.split(sep).join('/'))
const textOf = (file: string) => readFileSync(join(src, file), 'utf8')

const folderOf = (file: string) => (file.split('/')[0] ?? '').replace(/\.tsx?$/, '')
const packageOf = (name: string) =>
  (name.startsWith('@') ? name.split('/').slice(0, 2) : name.split('/').slice(0, 1)).join('/')

/** Why `file` may not have this import; `undefined` if it may. */
function violation(file: string, { name, typeOnly }: Import): string | undefined {
  const folder = folders[folderOf(file)]
  if (folder === undefined) return 'its room is not in the table'
  if (name.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(file), name))
    if (target.startsWith('..')) return 'it lies outside src'
    if (roots.includes(target)) return 'nobody imports a root'
    const importedFolder = folderOf(target)
    const open =
      folder.folders === anything || importedFolder === folderOf(file) || folder.folders.includes(importedFolder)
    return open || (typeOnly && folder.folders.includes(`type:${importedFolder}`))
      ? undefined
      : `${folderOf(file)} may not import ${importedFolder}`
  }
  if (isBuiltin(name)) {
    if (!name.startsWith('node:')) return `it is called node:${name}`
    return folder.builtins === undefined || folder.builtins.includes(name)
      ? undefined
      : `${folderOf(file)} may not import ${name}`
  }
  const open =
    folder.packages === anything ||
    [packageOf(name), packageOf(name).split('/')[0]].some((own) => folder.packages.includes(own ?? ''))
  return open ? undefined : `${folderOf(file)} may not import the package ${packageOf(name)}`
}

test.each(files)('src/%s imports only what its room may', (file) => {
  const violations = readImports(file, textOf(file)).flatMap((found) => {
    const why = violation(file, found)
    return why === undefined ? [] : [`src/${file}:${found.line} imports ${found.name}: ${why}`]
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

test('the environment is read where a program begins, and nowhere else', () => {
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

test('a file is named in kebab case after what is in it', () => {
  const vagueName = /^(utils?|helpers?|common|types?|constants?|index|misc|shared)$/
  const testFiles = readdirSync(join(import.meta.dirname, '..'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const names = [...files, ...testFiles].filter((file) => {
    const stem = basename(file).replace(/(\.test)?\.tsx?$/, '')
    return !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(stem) || vagueName.test(stem)
  })
  expect(names).toEqual([])
})

test('every file of src is seen', () => {
  expect(files).toContain('workspace/id.ts')
  expect(new Set(files.map(folderOf)).size).toBeGreaterThan(3)
})
