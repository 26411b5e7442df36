import type { WorkspaceSpec } from '../workspace/spec.ts'
import { type DevcontainerDefinition, devcontainerSchema, supportedFields } from './devcontainer-schema.ts'
import type { JsonDocument } from './json-document.ts'
import { schemaProblems } from './schema-problems.ts'
import { formatPath, isObject, type DocumentPath } from './document-path.ts'
import type { FieldProblem, TemplateProblem, IgnoredField } from './template-problem.ts'
import { isEmptyValue, hostAccessProblems } from './host-access.ts'
import { unsupportedVariables, substitute } from './variables.ts'

/** What workspaces are created from. */
export interface WorkspaceTemplate {
  /** The folder's name; requests select a template by it. */
  readonly name: string
  /** For display: the definition's `name`, or the folder's name. */
  readonly title: string
  readonly spec: WorkspaceSpec
}

export type TemplateReadResult =
  | { readonly kind: 'ok'; readonly template: WorkspaceTemplate; readonly ignoredFields: readonly IgnoredField[] }
  | { readonly kind: 'invalid'; readonly problems: readonly TemplateProblem[] }

/** Reads the template `name` from the document in `file`, or reports every problem of the document. */
export function readTemplate(name: string, file: string, document: JsonDocument): TemplateReadResult {
  const toProblem = ({ path, reason, remedy }: FieldProblem): TemplateProblem => ({
    file,
    line: document.lineOf(path),
    reason,
    remedy,
  })
  const { value } = document
  if (!isObject(value)) {
    return {
      kind: 'invalid',
      problems: [
        toProblem({ path: [], reason: 'the file does not contain an object', remedy: 'Write `{ "image": "…" }`.' }),
      ],
    }
  }
  const variableProblems = supportedFields
    .filter((field) => field !== 'customizations')
    .flatMap((field) => unsupportedVariableProblems(value[field], [field]))
  const hostProblems = Object.entries(value).flatMap(([field, fieldValue]) => hostAccessProblems(field, fieldValue))
  const parsed = devcontainerSchema.safeParse(value)
  const schemaIssues = (parsed.error?.issues ?? [])
    .flatMap((issue) => schemaProblems(issue, value))
    .filter(({ path }) => !variableProblems.some((variable) => formatPath(variable.path) === formatPath(path)))
  const problems = [...schemaIssues, ...variableProblems, ...hostProblems].map(toProblem)
  if (!parsed.success || problems.length > 0) {
    return { kind: 'invalid', problems: problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) }
  }
  const ignoredFields = ignoredPaths(value).map((path) => ({
    template: name,
    file,
    line: document.lineOf(path),
    field: formatPath(path),
  }))
  return {
    kind: 'ok',
    template: { name, title: parsed.data.name?.trim() || name, spec: workspaceSpecOf(parsed.data) },
    ignoredFields,
  }
}

function workspaceSpecOf(definition: DevcontainerDefinition): WorkspaceSpec {
  const interpolate = (text: string) => substitute(text, definition.workspaceFolder)
  const environment = (variables: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(variables).map(([name, text]) => [name, interpolate(text)]))
  const commands = (list: DevcontainerDefinition['onCreateCommand']) =>
    list.map(({ name, run }) => ({ name, run: typeof run === 'string' ? interpolate(run) : run.map(interpolate) }))
  const { cpus, memory, pids } = definition.customizations['vm-api']
  return {
    image: definition.image,
    containerEnv: environment(definition.containerEnv),
    remoteEnv: environment(definition.remoteEnv),
    remoteUser: definition.remoteUser ?? null,
    workspaceFolder: definition.workspaceFolder,
    forwardPorts: [...new Set(definition.forwardPorts.filter((port) => typeof port === 'number'))],
    overrideCommand: definition.overrideCommand,
    init: definition.init,
    limits: { cpus, memoryBytes: memory, pids },
    onCreate: commands(definition.onCreateCommand),
    postCreate: commands(definition.postCreateCommand),
    postStart: commands(definition.postStartCommand),
  }
}

/** Fields to report as not supported. `$schema` and other tools' `customizations` are not reported. */
function ignoredPaths(value: Readonly<Record<string, unknown>>): DocumentPath[] {
  const fields = Object.keys(value).filter(
    (field) => !supportedFields.includes(field) && field !== '$schema' && !isEmptyValue(value[field]),
  )
  const ports = Array.isArray(value['forwardPorts']) ? value['forwardPorts'] : []
  const foreignPorts = ports.flatMap((port, index) => (typeof port === 'string' ? [['forwardPorts', index]] : []))
  return [...fields.map((field) => [field]), ...foreignPorts]
}

function unsupportedVariableProblems(value: unknown, path: DocumentPath): FieldProblem[] {
  if (typeof value === 'string') {
    return unsupportedVariables(value).map(({ variable, remedy }) => {
      return { path, reason: `\`${formatPath(path)}\` uses \`${variable}\``, remedy }
    })
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => unsupportedVariableProblems(item, [...path, index]))
  return isObject(value)
    ? Object.entries(value).flatMap(([key, item]) => unsupportedVariableProblems(item, [...path, key]))
    : []
}
