import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { settings } from '../../src/config/settings.ts'

const root = join(import.meta.dirname, '../..')
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')
const filesIn = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file))

const pages = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...filesIn('docs', '.md'),
  ...filesIn('templates', '.md'),
]
/** Other files that mention variables and scripts. */
const scripts = ['.ci/run', ...filesIn('deploy', '.service')]

/** Variables that the service does not read: those of tests, of the benchmark, and of the `vm` command. */
const otherVariables = [
  'VM_API_TEST_DOCKER_HOST',
  'VM_API_REQUIRE_ENGINE',
  'VM_API_BENCH_DIR',
  'VM_API_URL',
  'VM_API_USER',
  'VM_API_DEBUG',
]

const withoutCode = (text: string) => text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, 'x')

/** The anchors that a code host derives from headings. */
function anchorsOf(text: string): string[] {
  return [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test.each(pages)('every relative link of %s has a target', (page) => {
  const links = [...withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  const broken = links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? page : relative(root, join(root, dirname(page), path))
      if (!existsSync(join(root, file))) return true
      return anchor !== undefined && !anchorsOf(textOf(file)).includes(anchor)
    })
  expect(broken).toEqual([])
})

test.each(pages)('every path of the repository that %s names in code exists', (page) => {
  const paths = [...textOf(page).matchAll(/`((?:src|test|docs|bench|deploy|templates)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  )
  expect(paths.filter((path) => !/\/out(\/|$)/.test(path) && !existsSync(join(root, path)))).toEqual([])
})

test.each([...pages, ...scripts])('every npm script in %s is defined', (page) => {
  const manifest: unknown = JSON.parse(textOf('package.json'))
  const defined = Object.keys(Object(Object(manifest).scripts))
  const usedScripts = [...textOf(page).matchAll(/\bnpm (?:run (?:--silent )?([a-z:]+)|(start|test)\b)/g)]
  expect(usedScripts.map(([, run, short]) => run ?? short ?? '').filter((script) => !defined.includes(script))).toEqual(
    [],
  )
})

test.each([...pages, ...scripts])('every variable in %s is a setting or a known variable', (page) => {
  const usedVariables = [...textOf(page).matchAll(/\bVM_API_[A-Z][A-Z_]*[A-Z]\b/g)].map(([name]) => name)
  expect(usedVariables.filter((name) => !Object.hasOwn(settings, name) && !otherVariables.includes(name))).toEqual([])
})

test('a known variable that is not a setting is read by some code', () => {
  const code = ['src', 'test', 'bench']
    .flatMap((folder) => filesIn(folder, '.ts'))
    .filter((file) => !file.endsWith('docs.test.ts'))
  const read = code.map(textOf).join('\n')
  expect(otherVariables.filter((name) => !read.includes(name))).toEqual([])
})

/** The curl commands of a page's shell blocks, with continued lines and pipes, by method and path. */
function curlsOf(text: string): (readonly [request: string, command: string])[] {
  return [...text.matchAll(/^```bash\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    [...block.replaceAll(/\s*\\\n\s*/g, ' ').matchAll(/^.*\bcurl .*$/gm)].flatMap(([command]) => {
      const path = /http:\/\/localhost:3000(\/[^\s'"]*)/.exec(command)?.[1]
      const method = /-X (\w+)/.exec(command)?.[1] ?? 'GET'
      return path === undefined ? [] : [[`${method} ${path}`, command.trim()] as const]
    }),
  )
}

test('the API requests in the README equal those in the examples of the API reference', () => {
  const examples = curlsOf(textOf('docs/api-reference.md').split(/^## Examples$/m)[1] ?? '')
  const requests = curlsOf(textOf('README.md')).filter(([request]) => examples.some(([other]) => other === request))
  expect(requests.length).toBeGreaterThanOrEqual(5)
  expect(requests.filter(([, command]) => !examples.some(([, other]) => other === command))).toEqual([])
})

test('every log message in the page on operating exists in the code', () => {
  const [, after = ''] = textOf('docs/operating.md').split('**The log warns:**')
  const [table = ''] = after.split(/^\*\*/m)
  const messages = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, message = '']) => message)
  // `…` stands for variable text.
  const parts = messages.flatMap((message) => message.split('…')).filter((part) => part.length > 10)
  const code = filesIn('src', '.ts').map(textOf).join('\n')
  expect(parts.length).toBeGreaterThan(8)
  expect(parts.filter((part) => !code.includes(part))).toEqual([])
})

test('the systemd unit starts the built program', () => {
  const unit = textOf('deploy/vm-api.service')
  expect(unit).toContain('dist/main.js')
  expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m)
  expect(unit).toMatch(/^KillMode=process$/m)
  expect(unit).toMatch(/^CPUWeight=10000$/m)
})
