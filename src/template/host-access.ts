import { formatPath, type DocumentPath } from './document-path.ts'
import type { FieldProblem } from './template-problem.ts'

// Fields that would give a workspace access to the host. The service never passes them on. It still refuses them, because their author
// expects a workspace that would not exist.

type FieldRule = (value: unknown, field: string) => FieldProblem[]

const fieldRules = new Map<string, FieldRule>(
  Object.entries({
    privileged: forbid('requests a privileged container'),
    capAdd: forbid('requests additional capabilities'),
    securityOpt: forbid('changes the security options'),
    mounts: forEachItem((mount, path) =>
      mountsHost(mount) ? [hostAccessProblem(path, 'mounts a path of the host')] : [],
    ),
    workspaceMount: (value, field) =>
      mountsHost(value) ? [hostAccessProblem([field], 'mounts a path of the host')] : [],
    runArgs: (value, field) => {
      const args = Array.isArray(value) ? value : [value]
      return args.flatMap((arg, index) =>
        escapesContainer(arg, args[index + 1])
          ? [hostAccessProblem([field, index], 'gives the container access to the host')]
          : [],
      )
    },
  }),
)

/** The host-access problems of a field with this value. A field without a rule has none. */
export function hostAccessProblems(field: string, value: unknown): FieldProblem[] {
  return isEmptyValue(value) ? [] : (fieldRules.get(field)?.(value, field) ?? [])
}

/** Tells whether a value requests nothing: `false`, an empty list or an empty string. Such a field is not reported. */
export function isEmptyValue(value: unknown): boolean {
  return value === false || value === '' || (Array.isArray(value) && value.length === 0)
}

function hostAccessProblem(path: DocumentPath, claim: string): FieldProblem {
  return {
    path,
    reason: `\`${formatPath(path)}\` ${claim}`,
    remedy: 'Workspaces have no access to the host: remove it.',
  }
}

function forbid(claim: string): FieldRule {
  return (_value, field) => [hostAccessProblem([field], claim)]
}

function forEachItem(rule: (value: unknown, path: DocumentPath) => FieldProblem[]): FieldRule {
  return (value, field) =>
    Array.isArray(value) ? value.flatMap((item, index) => rule(item, [field, index])) : rule(value, [field])
}

/** Everything except a named volume or a tmpfs mounts the host, an unreadable mount included. */
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
