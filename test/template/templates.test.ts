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
    const descriptions = read.kind === 'unreadable' ? describeTemplateProblems(read.problems).split('\n') : []
    expect(descriptions).toEqual([
      '-c: "-c" cannot be a template\'s name. Name the folder with 1–63 letters, digits, `-`, `_` and `.`, a letter or digit first.',
      'a/devcontainer.json:3: `init` is 1. Write true or false, without quotes.',
      'a/devcontainer.json:4: `privileged` asks for a privileged container. Workspaces have none: take it out.',
      'b/devcontainer.json:2: it is no JSON (close brace expected). Correct the syntax: JSON, in which comments and trailing commas are allowed.',
      'empty/devcontainer.json: it cannot be read (ENOENT). Put a definition there that this user may read, as UTF-8, or take the folder away.',
    ])
  })

  test('leaves files and hidden folders alone, and follows links', () => {
    const read = readTemplateFolder((dir) => {
      writeTemplate(dir, 'real', { image: 'a' })
      symlinkSync(join(dir, 'real'), join(dir, 'link'))
      symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling'))
      mkdirSync(join(dir, '.git'))
      writeFileSync(join(dir, 'README.md'), '')
    })
    expect(read.kind === 'read' && [...read.templates.keys()]).toEqual(['link', 'real'])
  })

  test.each([['a'.repeat(64)], ['_a'], ['a b'], ['ä'], ['a\nb']])('refuses a template called %j', (name) => {
    expect(readTemplateFolder((dir) => writeTemplate(dir, name, { image: 'a' }))).toMatchObject({
      kind: 'unreadable',
      problems: [{ file: name, line: null }],
    })
  })

  test.each([['a'.repeat(63)], ['9'], ['A.b_c-d']])('takes a template called %j', (name) => {
    expect(readTemplateFolder((dir) => writeTemplate(dir, name, { image: 'a' }))).toMatchObject({ kind: 'read' })
  })

  test('without a template is a problem', () => {
    expect(readTemplateFolder(() => {})).toMatchObject({
      kind: 'unreadable',
      problems: [{ reason: 'there is no template in it' }],
    })
  })

  test('that is not there is a problem', () => {
    const dir = join(import.meta.dirname, 'nowhere')
    expect(readTemplates(dir)).toMatchObject({
      kind: 'unreadable',
      problems: [{ file: dir, reason: 'it cannot be read (ENOENT)' }],
    })
  })
})

describe('the shipped templates', () => {
  const shipped = readTemplates(join(import.meta.dirname, '../../templates'))

  test('can be read, and ask for nothing that is not honoured', () => {
    expect(shipped).toMatchObject({ kind: 'read', ignoredFields: [] })
    expect(shipped.kind === 'read' && [...shipped.templates.keys()]).toEqual(['base', 'go', 'nodejs', 'python', 'rust'])
  })

  test('name images that do not move with every release', () => {
    const images = shipped.kind === 'read' ? [...shipped.templates.values()].map(({ spec }) => spec.image) : []
    for (const image of images) expect(image).toMatch(/:\d+\.\d+/)
  })

  test('are described by a guide that names each field that is honoured, and no other', () => {
    const guide = readFileSync(join(import.meta.dirname, '../../templates/README.md'), 'utf8')
    const table = guide.slice(guide.indexOf('## What is honoured')).split('\n\n')[1] ?? ''
    const fields = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, field]) => field)
    expect(fields).toEqual(supportedFields)
  })
})
