import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeTemplateProblems, type TemplateProblem } from '../../src/template/template-problem.ts'
import type { WorkspaceTemplate } from '../../src/template/template.ts'
import { readTemplates, type TemplatesReadResult } from '../../src/template/templates.ts'

/**
 * What is read from a folder that `fill` has filled, and that is gone afterwards. Files are told of without that folder: `it/devcontainer.json`.
 */
export function readTemplateFolder(fill: (dir: string) => void): TemplatesReadResult {
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
export function writeTemplate(dir: string, name: string, definition: unknown): void {
  mkdirSync(join(dir, name))
  const isRaw = typeof definition === 'string' || Buffer.isBuffer(definition)
  writeFileSync(join(dir, name, 'devcontainer.json'), isRaw ? definition : JSON.stringify(definition))
}

/** The template `it` with this definition. */
export function templateOf(definition: unknown): WorkspaceTemplate {
  const read = readTemplateFolder((dir) => writeTemplate(dir, 'it', definition))
  if (read.kind === 'unreadable') throw new Error(describeTemplateProblems(read.problems))
  const template = read.templates.get('it')
  if (template === undefined) throw new Error('the template is not there')
  return template
}

export function problemsOf(definition: unknown): readonly TemplateProblem[] {
  const read = readTemplateFolder((dir) => writeTemplate(dir, 'it', definition))
  return read.kind === 'unreadable' ? read.problems : []
}

export function ignoredFieldsOf(definition: unknown): string[] {
  const read = readTemplateFolder((dir) => writeTemplate(dir, 'it', definition))
  return read.kind === 'read' ? read.ignoredFields.map(({ field }) => field) : ['unreadable']
}
