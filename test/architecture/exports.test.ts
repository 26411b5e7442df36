import { expect, test } from 'vitest'
import { readExports } from './source-imports.ts'
import { sourceFiles, sourceText } from './source-files.ts'

/** Verbs of the ports in `provider/provider.ts` and `provider/guest.ts`; each provider implements them under the same name. */
const providerVerbs = ['boot', 'inspect', 'list', 'remove', 'setup', 'stop', 'watch']

const isProviderImplementation = (file: string) => /^provider\/(docker|process)\//.test(file)

/** Names that two files export, each with its files. */
function duplicates(files: readonly { readonly file: string; readonly text: string }[]): string[] {
  const filesByName = new Map<string, string[]>()
  for (const { file, text } of files)
    for (const name of new Set(readExports(file, text))) {
      if (providerVerbs.includes(name) && isProviderImplementation(file)) continue
      filesByName.set(name, [...(filesByName.get(name) ?? []), file])
    }
  return [...filesByName]
    .filter(([, owners]) => owners.length > 1)
    .map(([name, owners]) => `${name}: ${owners.join(', ')}`)
}

test('no two files of src declare and export the same name, except the verbs of a provider', () => {
  expect(duplicates(sourceFiles.map((file) => ({ file, text: sourceText(file) })))).toEqual([])
})

test.each<[text: string, names: string[]]>([
  ['export const a = 1, b = 2', ['a', 'b']],
  ['export const { a, b: c } = d', ['a', 'c']],
  ['export async function a() {}', ['a']],
  ['export interface A {}\nexport type B = A\nexport class C {}', ['A', 'B', 'C']],
  ['const a = 1, b = 2\nexport { a, b as c }', ['a', 'c']],
  ["export { a } from './b.ts'\nexport * from './c.ts'", []],
  ["import { a } from './b.ts'\nexport { a }", []],
  ["import { a } from './b.ts'\nconst c = a", []],
])('%j exports %j', (text, names) => {
  expect(readExports('a.ts', text)).toEqual(names)
})

test('a verb may repeat in the providers and nowhere else', () => {
  const verb = 'export function stop() {}'
  const docker = { file: 'provider/docker/lifecycle/stop.ts', text: verb }
  expect(duplicates([docker, { file: 'provider/process/keeper/stop.ts', text: verb }])).toEqual([])
  expect(
    duplicates([
      { file: 'http/a.ts', text: verb },
      { file: 'cli/b.ts', text: verb },
    ]),
  ).toEqual(['stop: http/a.ts, cli/b.ts'])
})
