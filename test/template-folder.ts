import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeTemplateProblems, type TemplateProblem } from '../src/template/problem.ts'
import type { Template } from '../src/template/template.ts'
import { readTemplates, type Templates } from '../src/template/templates.ts'

/**
 * What is read from a folder that `fill` has filled, and that is gone afterwards. Files are told of without that folder: `it/devcontainer.json`.
 */
export function readFolder(fill: (dir: string) => void): Templates {
  const dir = mkdtempSync(join(tmpdir(), 'templates-'))
  try {
    fill(dir)
    const read = readTemplates(dir)
    if (read.kind === 'read') return read
    return {
      kind: 'unreadable',
      problems: read.problems.map((problem) => ({ ...problem, file: problem.file.slice(dir.length + 1) })),
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** Puts a template there: JSON, or text and bytes as they are. */
export function put(dir: string, name: string, definition: unknown): void {
  mkdirSync(join(dir, name))
  const asItIs = typeof definition === 'string' || Buffer.isBuffer(definition)
  writeFileSync(join(dir, name, 'devcontainer.json'), asItIs ? definition : JSON.stringify(definition))
}

/** The template `it` with this definition. */
export function templateOf(definition: unknown): Template {
  const read = readFolder((dir) => put(dir, 'it', definition))
  if (read.kind === 'unreadable') throw new Error(describeTemplateProblems(read.problems))
  const it = read.templates.get('it')
  if (it === undefined) throw new Error('the template is not there')
  return it
}

export function problemsOf(definition: unknown): readonly TemplateProblem[] {
  const read = readFolder((dir) => put(dir, 'it', definition))
  return read.kind === 'unreadable' ? read.problems : []
}

export function unhonouredOf(definition: unknown): string[] {
  const read = readFolder((dir) => put(dir, 'it', definition))
  return read.kind === 'read' ? read.unhonoured.map(({ field }) => field) : ['unreadable']
}
