import type { Recipe } from '../workspace/recipe.ts'
import { type Definition, definition, honoured } from './definition.ts'
import type { Document } from './document.ts'
import { refused } from './issue.ts'
import { inCode, isObject, type Path } from './path.ts'
import type { Refusal, TemplateProblem, Unhonoured } from './problem.ts'
import { isEmpty, refusals } from './reach.ts'
import { foreignVariables, substitute } from './variables.ts'

/** Something to make workspaces from. */
export interface Template {
  /** The folder's name, by which requests ask for it. */
  readonly name: string
  /** For people: the definition's `name`, or the folder's. */
  readonly title: string
  readonly recipe: Recipe
}

/** What a definition amounts to: a template, or every problem that it has. */
export type Reading =
  | { readonly kind: 'read'; readonly template: Template; readonly unhonoured: readonly Unhonoured[] }
  | { readonly kind: 'unreadable'; readonly problems: readonly TemplateProblem[] }

/** The template called `name` that the document in `file` defines. */
export function readTemplate(name: string, file: string, document: Document): Reading {
  const problem = ({ path, reason, remedy }: Refusal): TemplateProblem => ({
    file,
    line: document.lineOf(path),
    reason,
    remedy,
  })
  const { value } = document
  if (!isObject(value)) {
    return {
      kind: 'unreadable',
      problems: [problem({ path: [], reason: 'it is no object', remedy: 'Write `{ "image": "…" }`.' })],
    }
  }
  const variables = honoured
    .filter((field) => field !== 'customizations')
    .flatMap((field) => unknownVariables(value[field], [field]))
  const reach = Object.entries(value).flatMap(([field, asked]) => refusals(field, asked))
  const parsed = definition.safeParse(value)
  const wrong = (parsed.error?.issues ?? [])
    .flatMap((issue) => refused(issue, value))
    .filter(({ path }) => !variables.some((variable) => inCode(variable.path) === inCode(path)))
  const found = [...wrong, ...variables, ...reach].map(problem)
  if (!parsed.success || found.length > 0) {
    return { kind: 'unreadable', problems: found.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) }
  }
  const unhonoured = unhonouredPaths(value).map((path) => ({
    template: name,
    file,
    line: document.lineOf(path),
    field: inCode(path),
  }))
  return {
    kind: 'read',
    template: { name, title: parsed.data.name?.trim() || name, recipe: recipe(parsed.data) },
    unhonoured,
  }
}

function recipe(read: Definition): Recipe {
  const put = (text: string) => substitute(text, read.workspaceFolder)
  const environment = (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, put(text)]))
  const commands = (list: Definition['onCreateCommand']) =>
    list.map(({ name, run }) => ({ name, run: typeof run === 'string' ? put(run) : run.map(put) }))
  const { cpus, memory, pids } = read.customizations['vm-api']
  return {
    image: read.image,
    containerEnv: environment(read.containerEnv),
    remoteEnv: environment(read.remoteEnv),
    remoteUser: read.remoteUser ?? null,
    workspaceFolder: read.workspaceFolder,
    forwardPorts: [...new Set(read.forwardPorts.filter((port) => typeof port === 'number'))],
    overrideCommand: read.overrideCommand,
    init: read.init,
    limits: { cpus, memoryBytes: memory, pids },
    onCreate: commands(read.onCreateCommand),
    postCreate: commands(read.postCreateCommand),
    postStart: commands(read.postStartCommand),
  }
}

/** Fields of other tools' `customizations` are theirs, and `$schema` is the editor's: neither is named. */
function unhonouredPaths(value: Readonly<Record<string, unknown>>): Path[] {
  const fields = Object.keys(value).filter(
    (field) => !honoured.includes(field) && field !== '$schema' && !isEmpty(value[field]),
  )
  const ports = Array.isArray(value['forwardPorts']) ? value['forwardPorts'] : []
  const elsewhere = ports.flatMap((port, index) => (typeof port === 'string' ? [['forwardPorts', index]] : []))
  return [...fields.map((field) => [field]), ...elsewhere]
}

function unknownVariables(value: unknown, path: Path): Refusal[] {
  if (typeof value === 'string') {
    return foreignVariables(value).map(({ variable, remedy }) => {
      return { path, reason: `\`${inCode(path)}\` uses \`${variable}\``, remedy }
    })
  }
  if (Array.isArray(value)) return value.flatMap((one, index) => unknownVariables(one, [...path, index]))
  return isObject(value) ? Object.entries(value).flatMap(([key, one]) => unknownVariables(one, [...path, key])) : []
}
