import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { supportedFields } from '../../src/template/devcontainer-schema.ts'
import { describeTemplateProblems } from '../../src/template/template-problem.ts'
import { readTemplates } from '../../src/template/templates.ts'
import { writeTemplate, readTemplateFolder } from './template-folder.ts'

describe('a folder of templates', () => {
  test('is reported with every problem of every template, by line', () => {
    const read = readTemplateFolder((dir) => {
      writeTemplate(dir, 'a', '{\n  "image": "a",\n  "init": 1,\n  "privileged": true\n}')
      writeTemplate(dir, 'b', '{\n')
      writeTemplate(dir, '-c', { image: 'a' })
      writeTemplate(dir, 'good', { image: 'a' })
      mkdirSync(join(dir, 'empty'))
    })
    const descriptions = read.kind === 'invalid' ? describeTemplateProblems(read.problems).split('\n') : []
    expect(descriptions).toEqual([
      '-c: "-c" is not a valid template name. Use 1–63 letters, digits, `-`, `_` and `.`, starting with a letter or digit.',
      'a/devcontainer.json:3: `init` is 1. Write true or false, without quotes.',
      'a/devcontainer.json:4: `privileged` requests a privileged container. Workspaces have no access to the host: remove it.',
      'b/devcontainer.json:2: the file is not valid JSON (close brace expected). Correct the syntax. Comments and trailing commas are allowed.',
      'empty/devcontainer.json: cannot be read (ENOENT). Add a UTF-8 file that the service may read, or remove the folder.',
    ])
  })

  test('ignores files and hidden folders, and follows links', () => {
    const read = readTemplateFolder((dir) => {
      writeTemplate(dir, 'real', { image: 'a' })
      symlinkSync(join(dir, 'real'), join(dir, 'link'))
      symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling'))
      mkdirSync(join(dir, '.git'))
      writeFileSync(join(dir, 'README.md'), '')
    })
    expect(read.kind === 'ok' && [...read.templates.keys()]).toEqual(['link', 'real'])
  })

  test.each([['a'.repeat(64)], ['_a'], ['a b'], ['ä'], ['a\nb']])('refuses a template called %j', (name) => {
    expect(readTemplateFolder((dir) => writeTemplate(dir, name, { image: 'a' }))).toMatchObject({
      kind: 'invalid',
      problems: [{ file: name, line: null }],
    })
  })

  test.each([['a'.repeat(63)], ['9'], ['A.b_c-d']])('accepts a template called %j', (name) => {
    expect(readTemplateFolder((dir) => writeTemplate(dir, name, { image: 'a' }))).toMatchObject({ kind: 'ok' })
  })

  test('without a template is a problem', () => {
    expect(readTemplateFolder(() => {})).toMatchObject({
      kind: 'invalid',
      problems: [{ reason: 'the folder has no template' }],
    })
  })

  test('that does not exist is a problem', () => {
    const dir = join(import.meta.dirname, 'nowhere')
    expect(readTemplates(dir)).toMatchObject({
      kind: 'invalid',
      problems: [{ file: dir, reason: 'cannot be read (ENOENT)' }],
    })
  })
})

describe('the shipped templates', () => {
  const shipped = readTemplates(join(import.meta.dirname, '../../templates'))

  test('can be read and use only supported fields', () => {
    expect(shipped).toMatchObject({ kind: 'ok', ignoredFields: [] })
    expect(shipped.kind === 'ok' && [...shipped.templates.keys()]).toEqual(['base', 'go', 'nodejs', 'python', 'rust'])
  })

  test('name images with a version in their tag', () => {
    const images = shipped.kind === 'ok' ? [...shipped.templates.values()].map(({ spec }) => spec.image) : []
    for (const image of images) expect(image).toMatch(/:\d+\.\d+/)
  })

  test('are described by a guide that names every supported field and no other', () => {
    const guide = readFileSync(join(import.meta.dirname, '../../templates/README.md'), 'utf8')
    const table = guide.slice(guide.indexOf('## Supported fields')).split('\n\n')[1] ?? ''
    const fields = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, field]) => field)
    expect(fields).toEqual(supportedFields)
  })
})
