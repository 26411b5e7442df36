import type { WorkspaceContext } from '../machines/workspace-context.ts'
import { workspaceMachine } from '../machines/workspace-machine.ts'
import { upgraded } from '../machines/workspace-version.ts'
import { decodeSnapshot } from '../persistence/snapshot-codec.ts'
import type { StoredRow } from '../persistence/workspace-row.ts'
import { providerNames } from '../workspace/subject.ts'

/** What an actor is restored from. */
export interface Restorable {
  readonly value: unknown
  readonly context: object
}

/**
 * Reads a stored row's snapshot, carried up to this version of the statechart. XState believes what it is given (a state of `{}` is the
 * initial one, a context of `{}` fails at its first use), so all of it is held against the statechart and the row's own columns first.
 * @throws {Error} when it cannot be read, with the reason (law 7).
 */
export function readStored(row: StoredRow): Restorable {
  const { value, context } = upgraded(decodeSnapshot(row.snapshot), row.machine)
  if (!isRestingPlace(value))
    throw new Error(`the snapshot's state ${JSON.stringify(value)} is none of the statechart's`)
  const wrong = wrongFields(context)
  if (wrong.length > 0) throw new Error(`the snapshot's context has no proper ${wrong.join(', ')}`)
  for (const column of ['id', 'owner', 'name', 'template', 'provider', 'expiresAt'] as const)
    if (context[column] !== row[column]) throw new Error(`the snapshot's ${column} is not the row's`)
  return { value, context }
}

/** Is it the value of one state that an actor can be in, and that is not the end? */
function isRestingPlace(value: unknown): boolean {
  let node: { readonly type: string; readonly states: Readonly<Record<string, typeof node>> } = workspaceMachine.root
  let rest = value
  while (typeof rest === 'object' && rest !== null) {
    const [entry, ...others] = Object.entries(rest)
    const inner = entry && others.length === 0 ? node.states[entry[0]] : undefined
    if (!inner || !entry) return false
    node = inner
    rest = entry[1]
  }
  return typeof rest === 'string' && Object.hasOwn(node.states, rest) && node.states[rest]?.type === 'atomic'
}

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const nullOr =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const oneOf =
  (...known: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && known.includes(value)

const checks: Readonly<Record<keyof WorkspaceContext, Check>> = {
  id: text,
  owner: text,
  name: text,
  template: text,
  provider: oneOf(...providerNames),
  recipe: object,
  metadata: nullOr(object),
  createdAt: number,
  ttlSeconds: nullOr(number),
  expiresAt: nullOr(number),
  step: oneOf('image', 'container', 'boot', 'setup'),
  tries: number,
  deadline: number,
  retryAt: number,
  imageId: nullOr(text),
  containerId: nullOr(text),
  prepared: (value) => typeof value === 'boolean',
  connection: nullOr(object),
  reason: nullOr(text),
  progress: nullOr(text),
}

function wrongFields(context: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(checks).flatMap(([field, check]) => (check(context[field]) ? [] : [field]))
}
