import { formatPath, type DocumentPath } from './document-path.ts'
import type { FieldProblem } from './template-problem.ts'

// What a definition may not ask for: a way out of the container. None of these fields is ever passed on; they are refused all the same,
// since whoever wrote them expects a workspace that would not be there.

type FieldRule = (value: unknown, field: string) => FieldProblem[]

const fieldRules = new Map<string, FieldRule>(
  Object.entries({
    privileged: forbid('asks for a privileged container'),
    capAdd: forbid('asks for added capabilities'),
    securityOpt: forbid('asks for other security options'),
    mounts: forEachItem((mount, path) =>
      mountsHost(mount) ? [hostAccessProblem(path, 'asks for a mount of the host')] : [],
    ),
    workspaceMount: (value, field) =>
      mountsHost(value) ? [hostAccessProblem([field], 'asks for a mount of the host')] : [],
    runArgs: (value, field) => {
      const args = Array.isArray(value) ? value : [value]
      return args.flatMap((arg, index) =>
        escapesContainer(arg, args[index + 1])
          ? [hostAccessProblem([field, index], 'asks the engine for a way out of the container')]
          : [],
      )
    },
  }),
)

/** What in the field `field` with this value stops the start. Nothing for a field that is of no interest here. */
export function hostAccessProblems(field: string, value: unknown): FieldProblem[] {
  return isEmptyValue(value) ? [] : (fieldRules.get(field)?.(value, field) ?? [])
}

/** Does the value ask for nothing: an empty list or text, `false`? Then it need not be named either. */
export function isEmptyValue(value: unknown): boolean {
  return value === false || value === '' || (Array.isArray(value) && value.length === 0)
}

function hostAccessProblem(path: DocumentPath, claim: string): FieldProblem {
  return { path, reason: `\`${formatPath(path)}\` ${claim}`, remedy: 'Workspaces have none: take it out.' }
}

function forbid(claim: string): FieldRule {
  return (_value, field) => [hostAccessProblem([field], claim)]
}

function forEachItem(rule: (value: unknown, path: DocumentPath) => FieldProblem[]): FieldRule {
  return (value, field) =>
    Array.isArray(value) ? value.flatMap((item, index) => rule(item, [field, index])) : rule(value, [field])
}

/** Anything but a named volume or a tmpfs. What cannot be read counts as the host. */
function mountsHost(mount: unknown): boolean {
  const parts = mountParts(mount)
  const type = parts.get('type') ?? 'volume'
  const source = parts.get('source') ?? parts.get('src') ?? 'unnamed'
  const isNamedVolume = /^[A-Za-z0-9][\w.${}-]*$/.test(source) && !parts.has('volume-opt')
  return parts.size === 0 || !isNamedVolume || (type !== 'volume' && type !== 'tmpfs')
}

function mountParts(mount: unknown): ReadonlyMap<string, string> {
  if (typeof mount === 'string') {
    return new Map(
      mount
        .split(',')
        .map((part) => [part.replace(/=.*/, '').trim().toLowerCase(), part.replace(/^[^=]*=?/, '').trim()]),
    )
  }
  const entries = typeof mount === 'object' && mount !== null ? Object.entries(mount) : []
  return new Map(entries.map(([key, value]) => [key.toLowerCase(), String(value)]))
}

const forbiddenFlags =
  /^(--(privileged|volume|volumes-from|mount|cap-add|device|device-cgroup-rule|security-opt|gpus|runtime|cgroup-parent|env-file)(=|$)|-[ditPq]*v)/
const namespaceFlags = /^--(network|net|pid|ipc|uts|userns|cgroupns)(=(?<mode>.*))?$/

function escapesContainer(arg: unknown, nextArg: unknown): boolean {
  if (typeof arg !== 'string') return true
  if (forbiddenFlags.test(arg)) return true
  const match = namespaceFlags.exec(arg)
  const mode = match === null ? '' : (match.groups?.['mode'] ?? String(nextArg))
  return mode === 'host' || mode.startsWith('container:') || mode.startsWith('ns:')
}
