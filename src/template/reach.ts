import { inCode, type Path } from './path.ts'
import type { Refusal } from './problem.ts'

// What a definition may not ask for: a way out of the container. None of these fields is ever passed on; they are refused all the same,
// since whoever wrote them expects a workspace that would not be there.

type Judge = (value: unknown, field: string) => Refusal[]

const judges = new Map<string, Judge>(
  Object.entries({
    privileged: refuseAny('asks for a privileged container'),
    capAdd: refuseAny('asks for added capabilities'),
    securityOpt: refuseAny('asks for other security options'),
    mounts: eachOf((mount, path) => (mountsHost(mount) ? [refusal(path, 'asks for a mount of the host')] : [])),
    workspaceMount: (value, field) => (mountsHost(value) ? [refusal([field], 'asks for a mount of the host')] : []),
    runArgs: (value, field) => {
      const words = Array.isArray(value) ? value : [value]
      return words.flatMap((word, index) =>
        reachesHost(word, words[index + 1])
          ? [refusal([field, index], 'asks the engine for a way out of the container')]
          : [],
      )
    },
  }),
)

/** What in the field `field` with this value stops the start. Nothing for a field that is of no interest here. */
export function refusals(field: string, value: unknown): Refusal[] {
  return isEmpty(value) ? [] : (judges.get(field)?.(value, field) ?? [])
}

/** Does the value ask for nothing: an empty list or text, `false`? Then it need not be named either. */
export function isEmpty(value: unknown): boolean {
  return value === false || value === '' || (Array.isArray(value) && value.length === 0)
}

function refusal(path: Path, what: string): Refusal {
  return { path, reason: `\`${inCode(path)}\` ${what}`, remedy: 'Workspaces have none: take it out.' }
}

function refuseAny(what: string): Judge {
  return (_value, field) => [refusal([field], what)]
}

function eachOf(judge: (value: unknown, path: Path) => Refusal[]): Judge {
  return (value, field) =>
    Array.isArray(value) ? value.flatMap((one, index) => judge(one, [field, index])) : judge(value, [field])
}

/** Anything but a named volume or a tmpfs. What cannot be read counts as the host. */
function mountsHost(mount: unknown): boolean {
  const parts = mountParts(mount)
  const type = parts.get('type') ?? 'volume'
  const source = parts.get('source') ?? parts.get('src') ?? 'unnamed'
  const plain = /^[A-Za-z0-9][\w.${}-]*$/.test(source) && !parts.has('volume-opt')
  return parts.size === 0 || !plain || (type !== 'volume' && type !== 'tmpfs')
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

const always =
  /^(--(privileged|volume|volumes-from|mount|cap-add|device|device-cgroup-rule|security-opt|gpus|runtime|cgroup-parent|env-file)(=|$)|-[ditPq]*v)/
const modes = /^--(network|net|pid|ipc|uts|userns|cgroupns)(=(?<mode>.*))?$/

function reachesHost(word: unknown, next: unknown): boolean {
  if (typeof word !== 'string') return true
  if (always.test(word)) return true
  const found = modes.exec(word)
  const mode = found === null ? '' : (found.groups?.['mode'] ?? String(next))
  return mode === 'host' || mode.startsWith('container:') || mode.startsWith('ns:')
}
