import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from './json-document.ts'
import type { TemplateProblem, IgnoredField } from './template-problem.ts'
import { type TemplateReadResult, readTemplate, type WorkspaceTemplate } from './template.ts'

/** The template of a create that names none. Such a create is refused if the folder has no template of this name. */
export const defaultTemplate = 'base'

export type TemplatesReadResult =
  | {
      readonly kind: 'ok'
      readonly templates: ReadonlyMap<string, WorkspaceTemplate>
      readonly ignoredFields: readonly IgnoredField[]
    }
  | { readonly kind: 'invalid'; readonly problems: readonly TemplateProblem[] }

/**
 * Reads the templates in the folder `dir`, sorted by name. Each subfolder is a template, defined by its `devcontainer.json`; files and
 * names that start with a dot are ignored. A problem in any template makes the whole result invalid. Blocks while it reads.
 */
export function readTemplates(dir: string): TemplatesReadResult {
  const folders = templateFolders(dir)
  if (!Array.isArray(folders)) return { kind: 'invalid', problems: [folders] }
  const results = folders.map((name) => readTemplateFolder(name, join(dir, name)))
  const problems = results.flatMap((result) => (result.kind === 'invalid' ? result.problems : []))
  if (problems.length > 0) return { kind: 'invalid', problems }
  if (results.length === 0) {
    const remedy = 'Add a folder with a devcontainer.json for each template.'
    return { kind: 'invalid', problems: [{ file: dir, line: null, reason: 'the folder has no template', remedy }] }
  }
  const loaded = results.filter((result) => result.kind === 'ok')
  return {
    kind: 'ok',
    templates: new Map(loaded.map(({ template }) => [template.name, template])),
    ignoredFields: loaded.flatMap(({ ignoredFields }) => ignoredFields),
  }
}

function templateFolders(dir: string): string[] | TemplateProblem {
  try {
    return readdirSync(dir)
      .filter((name) => !name.startsWith('.') && statSync(join(dir, name), { throwIfNoEntry: false })?.isDirectory())
      .sort()
  } catch (error) {
    return unreadableProblem(dir, error, 'Name a folder that the service may read.')
  }
}

function readTemplateFolder(name: string, folder: string): TemplateReadResult {
  if (!/^[A-Za-z0-9][\w.-]{0,62}$/.test(name)) {
    const reason = `${JSON.stringify(name)} is not a valid template name`
    const remedy = 'Use 1–63 letters, digits, `-`, `_` and `.`, starting with a letter or digit.'
    return { kind: 'invalid', problems: [{ file: folder, line: null, reason, remedy }] }
  }
  const file = join(folder, 'devcontainer.json')
  const text = readText(file)
  if (typeof text !== 'string') return { kind: 'invalid', problems: [text] }
  const parsed = parseDocument(text)
  if (parsed.kind === 'invalid')
    return { kind: 'invalid', problems: parsed.problems.map((problem) => ({ file, ...problem })) }
  return readTemplate(name, file, parsed.document)
}

function readText(file: string): string | TemplateProblem {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    return unreadableProblem(file, error, 'Add a UTF-8 file that the service may read, or remove the folder.')
  }
}

function unreadableProblem(file: string, error: unknown, remedy: string): TemplateProblem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return { file, line: null, reason: `cannot be read (${code})`, remedy }
}
