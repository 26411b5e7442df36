import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from './json-document.ts'
import type { TemplateProblem, IgnoredField } from './template-problem.ts'
import { type TemplateReadResult, readTemplate, type WorkspaceTemplate } from './template.ts'

/** The template of a create that names none. A folder need not have it: such a create is then refused. */
export const defaultTemplate = 'base'

/** Every template of a folder, by name, in the order of names; or every problem that there is with any of them. */
export type TemplatesReadResult =
  | {
      readonly kind: 'read'
      readonly templates: ReadonlyMap<string, WorkspaceTemplate>
      readonly ignoredFields: readonly IgnoredField[]
    }
  | { readonly kind: 'unreadable'; readonly problems: readonly TemplateProblem[] }

/**
 * Reads the templates in the folder `dir`: each folder in it is one, defined by its `devcontainer.json`. Files beside them and whatever
 * begins with a dot are left alone. One problem anywhere makes the whole folder unreadable. May be repeated; blocks while it reads.
 */
export function readTemplates(dir: string): TemplatesReadResult {
  const folders = templateFolders(dir)
  if (!Array.isArray(folders)) return { kind: 'unreadable', problems: [folders] }
  const results = folders.map((name) => readTemplateFolder(name, join(dir, name)))
  const problems = results.flatMap((result) => (result.kind === 'unreadable' ? result.problems : []))
  if (problems.length > 0) return { kind: 'unreadable', problems }
  if (results.length === 0) {
    const remedy = 'Give each template a folder of its own in it, with a devcontainer.json.'
    return { kind: 'unreadable', problems: [{ file: dir, line: null, reason: 'there is no template in it', remedy }] }
  }
  const loaded = results.filter((result) => result.kind === 'read')
  return {
    kind: 'read',
    templates: new Map(loaded.map(({ template }) => [template.name, template])),
    ignoredFields: loaded.flatMap(({ ignoredFields: unhonoured }) => unhonoured),
  }
}

function templateFolders(dir: string): string[] | TemplateProblem {
  try {
    return readdirSync(dir)
      .filter((name) => !name.startsWith('.') && statSync(join(dir, name), { throwIfNoEntry: false })?.isDirectory())
      .sort()
  } catch (error) {
    return unreadableProblem(dir, error, 'Name a folder that this user may read.')
  }
}

function readTemplateFolder(name: string, folder: string): TemplateReadResult {
  if (!/^[A-Za-z0-9][\w.-]{0,62}$/.test(name)) {
    const reason = `${JSON.stringify(name)} cannot be a template's name`
    const remedy = 'Name the folder with 1–63 letters, digits, `-`, `_` and `.`, a letter or digit first.'
    return { kind: 'unreadable', problems: [{ file: folder, line: null, reason, remedy }] }
  }
  const file = join(folder, 'devcontainer.json')
  const text = readText(file)
  if (typeof text !== 'string') return { kind: 'unreadable', problems: [text] }
  const parsed = parseDocument(text)
  if (parsed.kind === 'broken')
    return { kind: 'unreadable', problems: parsed.problems.map((problem) => ({ file, ...problem })) }
  return readTemplate(name, file, parsed.document)
}

function readText(file: string): string | TemplateProblem {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    return unreadableProblem(
      file,
      error,
      'Put a definition there that this user may read, as UTF-8, or take the folder away.',
    )
  }
}

function unreadableProblem(file: string, error: unknown, remedy: string): TemplateProblem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return { file, line: null, reason: `it cannot be read (${code})`, remedy }
}
