import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeTemplateProblems, type TemplateProblem } from '../../src/template/template-problem.ts'
import type { WorkspaceTemplate } from '../../src/template/template.ts'
import { readTemplates, type TemplatesReadResult } from '../../src/template/templates.ts'

/**
 * Reads the templates of a temporary folder that `fill` has filled. Files are reported relative to it: `sample/devcontainer.json`.
 */
export function readTemplateFolder(fill: (dir: string) => void): TemplatesReadResult {
  const dir = mkdtempSync(join(tmpdir(), 'templates-'))
  try {
    fill(dir)
    const read = readTemplates(dir)
    if (read.kind === 'ok') return read
    return {
      kind: 'invalid',
      problems: read.problems.map((problem) => ({ ...problem, file: problem.file.slice(dir.length + 1) })),
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** Writes a template: an object as JSON, strings and bytes unchanged. */
export function writeTemplate(dir: string, name: string, definition: unknown): void {
  mkdirSync(join(dir, name))
  const isRaw = typeof definition === 'string' || Buffer.isBuffer(definition)
  writeFileSync(join(dir, name, 'devcontainer.json'), isRaw ? definition : JSON.stringify(definition))
}

/** The template `sample` with this definition. */
export function templateOf(definition: unknown): WorkspaceTemplate {
  const read = readTemplateFolder((dir) => writeTemplate(dir, 'sample', definition))
  if (read.kind === 'invalid') throw new Error(describeTemplateProblems(read.problems))
  const template = read.templates.get('sample')
  if (template === undefined) throw new Error('the template is missing')
  return template
}

export function problemsOf(definition: unknown): readonly TemplateProblem[] {
  const read = readTemplateFolder((dir) => writeTemplate(dir, 'sample', definition))
  return read.kind === 'invalid' ? read.problems : []
}

export function ignoredFieldsOf(definition: unknown): string[] {
  const read = readTemplateFolder((dir) => writeTemplate(dir, 'sample', definition))
  return read.kind === 'ok' ? read.ignoredFields.map(({ field }) => field) : ['invalid']
}
