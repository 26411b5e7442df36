import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from './document.ts'
import type { TemplateProblem, Unhonoured } from './problem.ts'
import { type Reading, readTemplate, type Template } from './template.ts'

/** The template of a create that names none. A folder need not have it: such a create is then refused. */
export const defaultTemplate = 'base'

/** Every template of a folder, by name, in the order of names; or every problem that there is with any of them. */
export type Templates =
  | {
      readonly kind: 'read'
      readonly templates: ReadonlyMap<string, Template>
      readonly unhonoured: readonly Unhonoured[]
    }
  | { readonly kind: 'unreadable'; readonly problems: readonly TemplateProblem[] }

/**
 * Reads the templates in the folder `dir`: each folder in it is one, defined by its `devcontainer.json`. Files beside them and whatever
 * begins with a dot are left alone. One problem anywhere makes the whole folder unreadable. May be repeated; blocks while it reads.
 */
export function readTemplates(dir: string): Templates {
  const names = folderNames(dir)
  if (!Array.isArray(names)) return { kind: 'unreadable', problems: [names] }
  const readings = names.map((name) => readFolder(name, join(dir, name)))
  const problems = readings.flatMap((reading) => (reading.kind === 'unreadable' ? reading.problems : []))
  if (problems.length > 0) return { kind: 'unreadable', problems }
  if (readings.length === 0) {
    const remedy = 'Give each template a folder of its own in it, with a devcontainer.json.'
    return { kind: 'unreadable', problems: [{ file: dir, line: null, reason: 'there is no template in it', remedy }] }
  }
  const read = readings.filter((reading) => reading.kind === 'read')
  return {
    kind: 'read',
    templates: new Map(read.map(({ template }) => [template.name, template])),
    unhonoured: read.flatMap(({ unhonoured }) => unhonoured),
  }
}

function folderNames(dir: string): string[] | TemplateProblem {
  try {
    return readdirSync(dir)
      .filter((name) => !name.startsWith('.') && statSync(join(dir, name), { throwIfNoEntry: false })?.isDirectory())
      .sort()
  } catch (error) {
    return unopened(dir, error, 'Name a folder that this user may read.')
  }
}

function readFolder(name: string, folder: string): Reading {
  if (!/^[A-Za-z0-9][\w.-]{0,62}$/.test(name)) {
    const reason = `${JSON.stringify(name)} cannot be a template's name`
    const remedy = 'Name the folder with 1–63 letters, digits, `-`, `_` and `.`, a letter or digit first.'
    return { kind: 'unreadable', problems: [{ file: folder, line: null, reason, remedy }] }
  }
  const file = join(folder, 'devcontainer.json')
  const text = readText(file)
  if (typeof text !== 'string') return { kind: 'unreadable', problems: [text] }
  const parsed = parseDocument(text)
  if (parsed.kind === 'broken') return { kind: 'unreadable', problems: parsed.flaws.map((flaw) => ({ file, ...flaw })) }
  return readTemplate(name, file, parsed.document)
}

function readText(file: string): string | TemplateProblem {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    return unopened(file, error, 'Put a definition there that this user may read, as UTF-8, or take the folder away.')
  }
}

function unopened(file: string, error: unknown, remedy: string): TemplateProblem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return { file, line: null, reason: `it cannot be read (${code})`, remedy }
}
