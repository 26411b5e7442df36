import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, join, posix, sep } from 'node:path'
import { expect, test } from 'vitest'
import { type Import, readsEnvironment, readImports } from './source-imports.ts'

const everything = 'everything'

interface Room {
  /** Rooms that it may import, besides itself; `type:` in front: types only. */
  readonly rooms: readonly string[] | typeof everything
  /** npm packages, by name or scope. */
  readonly packages: readonly string[] | typeof everything
  /** Node's own modules; all, if nothing is said. */
  readonly builtins?: readonly string[]
}

/** Who may import what. A folder of `src` is a room, so is a file that lies in `src` itself. */
const rooms: Readonly<Record<string, Room>> = {
  main: { rooms: everything, packages: everything },
  demo: { rooms: everything, packages: everything },
  service: { rooms: everything, packages: everything },
  'provider-choice': { rooms: ['config', 'persistence', 'provider', 'start-error', 'workspace'], packages: ['pino'] },
  'start-error': { rooms: [], packages: [] },
  config: { rooms: ['workspace'], packages: ['zod'] },
  log: { rooms: ['workspace'], packages: ['pino'] },
  workspace: { rooms: [], packages: ['zod'], builtins: ['node:crypto'] },
  machines: { rooms: ['workspace'], packages: ['xstate'], builtins: ['node:crypto'] },
  provider: { rooms: ['workspace'], packages: ['dockerode', 'node-pty', 'tar-stream'] },
  template: { rooms: ['workspace'], packages: ['zod', 'jsonc-parser'] },
  persistence: { rooms: ['workspace'], packages: ['better-sqlite3'] },
  supervisor: { rooms: ['workspace', 'machines', 'provider', 'template', 'persistence'], packages: ['xstate'] },
  access: { rooms: ['workspace', 'provider', 'persistence'], packages: ['@xterm', 'tar-stream'] },
  metrics: { rooms: ['workspace', 'machines', 'provider', 'supervisor'], packages: ['prom-client'] },
  wire: { rooms: ['workspace'], packages: ['zod'], builtins: ['node:crypto'] },
  http: {
    rooms: ['workspace', 'machines', 'supervisor', 'access', 'wire'],
    packages: ['fastify', 'ws', '@fastify', 'fastify-type-provider-zod', 'openapi-types', 'close-with-grace', 'zod'],
  },
  client: { rooms: ['wire'], packages: [] },
  cli: { rooms: ['client', 'wire'], packages: ['commander', 'tar-stream', 'ws'] },
  chart: { rooms: ['machines'], packages: ['xstate', 'elkjs'] },
  console: { rooms: ['client', 'wire'], packages: ['preact', '@xterm'], builtins: [] },
}

/** Roots of programs: they put the rest together, and nothing builds on them. */
const roots = ['main.ts', 'demo.ts']
/** Where a program begins is where its environment is read; everybody else is handed what it needs. */
const readers = [...roots, 'config.ts', 'cli/main.ts']

const src = join(import.meta.dirname, '../src')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => file.split(sep).join('/'))
const textOf = (file: string) => readFileSync(join(src, file), 'utf8')

const roomOf = (file: string) => (file.split('/')[0] ?? '').replace(/\.tsx?$/, '')
const packageOf = (name: string) =>
  (name.startsWith('@') ? name.split('/').slice(0, 2) : name.split('/').slice(0, 1)).join('/')

/** Why `file` may not have this import; `undefined` if it may. */
function objection(file: string, { name, typeOnly }: Import): string | undefined {
  const room = rooms[roomOf(file)]
  if (room === undefined) return 'its room is not in the table'
  if (name.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(file), name))
    if (target.startsWith('..')) return 'it lies outside src'
    if (roots.includes(target)) return 'nobody imports a root'
    const other = roomOf(target)
    const open = room.rooms === everything || other === roomOf(file) || room.rooms.includes(other)
    return open || (typeOnly && room.rooms.includes(`type:${other}`))
      ? undefined
      : `${roomOf(file)} may not import ${other}`
  }
  if (isBuiltin(name)) {
    if (!name.startsWith('node:')) return `it is called node:${name}`
    return room.builtins === undefined || room.builtins.includes(name)
      ? undefined
      : `${roomOf(file)} may not import ${name}`
  }
  const open =
    room.packages === everything ||
    [packageOf(name), packageOf(name).split('/')[0]].some((own) => room.packages.includes(own ?? ''))
  return open ? undefined : `${roomOf(file)} may not import the package ${packageOf(name)}`
}

test.each(files)('src/%s imports only what its room may', (file) => {
  const wrong = readImports(file, textOf(file)).flatMap((found) => {
    const why = objection(file, found)
    return why === undefined ? [] : [`src/${file}:${found.line} imports ${found.name}: ${why}`]
  })
  expect(wrong).toEqual([])
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
  ['http/a.ts', "import { config } from '../config.ts'", false],
  ['http/a.ts', "import { readFile } from 'fs'", false],
  ['console/a.ts', "import { readFile } from 'node:fs'", false],
  ['demo.ts', "import { main } from './main.ts'", false],
  ['main.ts', "import { build } from './http/app.ts'", true],
  ['main.ts', "import { fake } from '../test/fake.ts'", false],
  ['new-room/a.ts', "import { b } from './b.ts'", false],
])('in src/%s, %s is allowed: %s', (file, text, allowed) => {
  const [found] = readImports(file, text)
  expect(found === undefined ? 'no import found' : objection(file, found) === undefined).toBe(allowed)
})

test('the environment is read where a program begins, and nowhere else', () => {
  const wrong = files.filter((file) => !readers.includes(file) && readsEnvironment(file, textOf(file)))
  expect(wrong).toEqual([])
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
  const vague = /^(utils?|helpers?|common|types?|constants?|index|misc|shared)$/
  const here = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const names = [...files, ...here].filter((file) => {
    const parts = basename(file).replace(/(\.test)?\.tsx?$/, '')
    return !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(parts) || vague.test(parts)
  })
  expect(names).toEqual([])
})

test('no file is longer than 250 lines', () => {
  const long = files.map((file) => `${file}: ${textOf(file).trimEnd().split('\n').length} lines`)
  expect(long.filter((told) => Number(/(\d+) lines/.exec(told)?.[1]) > 250)).toEqual([])
})

test('every file of src is seen', () => {
  expect(files).toContain('workspace/id.ts')
  expect(new Set(files.map(roomOf)).size).toBeGreaterThan(3)
})
