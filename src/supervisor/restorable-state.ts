import type { WorkspaceContext } from '../machines/workspace-context.ts'
import { workspaceMachine } from '../machines/workspace-machine.ts'
import { upgradeSnapshot, snapshotUpgrades } from '../machines/snapshot-upgrades.ts'
import { decodeSnapshot } from '../persistence/snapshot-codec.ts'
import type { StoredWorkspaceRow } from '../persistence/workspace-row.ts'
import { providerNames } from '../workspace/workspace-ref.ts'

/** What an actor is restored from. */
export interface RestorableState {
  readonly value: unknown
  readonly context: object
}

/**
 * Reads a stored row's snapshot, carried up to this version of the statechart. XState believes what it is given (a state of `{}` is the
 * initial one, a context of `{}` fails at its first use), so all of it is held against the statechart and the row's own columns first.
 * @throws {Error} when it cannot be read, with the reason (law 7).
 */
export function readRestorableState(row: StoredWorkspaceRow, upgradeSteps = snapshotUpgrades): RestorableState {
  const { value, context } = upgradeSnapshot(decodeSnapshot(row.snapshot), row.machine, upgradeSteps)
  const state = JSON.stringify(value)
  if (!atomicStates.has(state)) throw new Error(`the snapshot's state ${state} is none of the statechart's`)
  for (const [field, check] of checks)
    if (!check(context[field])) throw new Error(`the snapshot's context has no proper ${field}`)
  for (const column of columns)
    if (context[column] !== row[column]) throw new Error(`the snapshot's ${column} is not the row's`)
  return { value, context }
}

interface StateNode {
  readonly type: string
  readonly states: Readonly<Record<string, StateNode>>
}

/** The value, as JSON, of each state that an actor can rest in. A start asks for every row: it is worked out once. */
const atomicStates: ReadonlySet<string> = new Set(
  atomicStateValuesIn(workspaceMachine.root).map((value) => JSON.stringify(value)),
)

function atomicStateValuesIn({ states }: StateNode): readonly unknown[] {
  return Object.entries(states).flatMap(([key, node]): readonly unknown[] => {
    if (node.type === 'atomic') return [key]
    return atomicStateValuesIn(node).map((inner) => ({ [key]: inner }))
  })
}

type Check = (value: unknown) => boolean

const isString: Check = (value) => typeof value === 'string'
// Times among them: a greater one is none that can be shown.
const isNumber: Check = (value) => typeof value === 'number' && Math.abs(value) <= 8.64e15
const isRecord: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const nullOr =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const oneOf =
  (...known: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && known.includes(value)

const contextChecks: Readonly<Record<keyof WorkspaceContext, Check>> = {
  id: isString,
  owner: isString,
  name: isString,
  template: isString,
  provider: oneOf(...providerNames),
  spec: isRecord,
  metadata: nullOr(isRecord),
  createdAt: isNumber,
  ttlSeconds: nullOr(isNumber),
  expiresAt: nullOr(isNumber),
  step: oneOf('image', 'container', 'boot', 'setup'),
  attempts: isNumber,
  deadline: isNumber,
  waitingForEngine: (value) => typeof value === 'boolean',
  retryAt: isNumber,
  imageId: nullOr(isString),
  containerId: nullOr(isString),
  prepared: (value) => typeof value === 'boolean',
  connection: nullOr(isRecord),
  reason: nullOr(isString),
  progress: nullOr(isString),
}

const checks = Object.entries(contextChecks)

const columns = ['id', 'owner', 'name', 'template', 'provider', 'expiresAt'] as const
