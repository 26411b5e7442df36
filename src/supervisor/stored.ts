import type { WorkspaceContext } from '../machines/workspace-context.ts'
import { workspaceMachine } from '../machines/workspace-machine.ts'
import { upgraded, upgrades } from '../machines/workspace-version.ts'
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
export function readStored(row: StoredRow, steps = upgrades): Restorable {
  const { value, context } = upgraded(decodeSnapshot(row.snapshot), row.machine, steps)
  const state = JSON.stringify(value)
  if (!restingPlaces.has(state)) throw new Error(`the snapshot's state ${state} is none of the statechart's`)
  for (const [field, check] of checks)
    if (!check(context[field])) throw new Error(`the snapshot's context has no proper ${field}`)
  for (const column of columns)
    if (context[column] !== row[column]) throw new Error(`the snapshot's ${column} is not the row's`)
  return { value, context }
}

interface Node {
  readonly type: string
  readonly states: Readonly<Record<string, Node>>
}

/** The value, as JSON, of each state that an actor can rest in. A start asks for every row: it is worked out once. */
const restingPlaces: ReadonlySet<string> = new Set(
  valuesIn(workspaceMachine.root).map((value) => JSON.stringify(value)),
)

function valuesIn({ states }: Node): readonly unknown[] {
  return Object.entries(states).flatMap(([key, node]): readonly unknown[] => {
    if (node.type === 'atomic') return [key]
    return valuesIn(node).map((inner) => ({ [key]: inner }))
  })
}

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
// Times among them: a greater one is none that can be shown.
const number: Check = (value) => typeof value === 'number' && Math.abs(value) <= 8.64e15
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const nullOr =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const oneOf =
  (...known: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && known.includes(value)

const table: Readonly<Record<keyof WorkspaceContext, Check>> = {
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
  forEngine: (value) => typeof value === 'boolean',
  retryAt: number,
  imageId: nullOr(text),
  containerId: nullOr(text),
  prepared: (value) => typeof value === 'boolean',
  connection: nullOr(object),
  reason: nullOr(text),
  progress: nullOr(text),
}

const checks = Object.entries(table)

const columns = ['id', 'owner', 'name', 'template', 'provider', 'expiresAt'] as const
