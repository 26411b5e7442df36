import { createActor } from 'xstate'
import type { Actor } from 'xstate'
import type { WorkspaceContext } from '../machines/workspace-context.ts'
import { initialContext } from '../machines/workspace-context.ts'
import { workspaceMachine } from '../machines/workspace-machine.ts'
import { upgradeSnapshot, snapshotUpgrades } from '../machines/snapshot-upgrades.ts'
import { restorableSnapshot } from '../machines/workspace-snapshot.ts'
import { decodeSnapshot } from '../persistence/snapshot-codec.ts'
import type { StoredWorkspaceRow } from '../persistence/workspace-row.ts'
import type { WorkspaceSpec } from '../workspace/spec.ts'
import { providerNames } from '../workspace/workspace-ref.ts'
import type { WorkspaceLogic } from './commit-log.ts'

/** What an actor is restored from. */
export interface RestorableState {
  readonly value: unknown
  readonly context: object
}

/**
 * Reads the snapshot of a stored row and upgrades it to this version of the statechart. XState accepts any snapshot (a state of `{}`
 * becomes the initial one, a context of `{}` fails at its first use), so this checks it against the statechart and the row's columns.
 * @throws {Error} with the reason, if the snapshot cannot be read (law 7).
 */
export function readRestorableState(row: StoredWorkspaceRow, upgradeSteps = snapshotUpgrades): RestorableState {
  const { value, context } = upgradeSnapshot(decodeSnapshot(row.snapshot), row.machine, upgradeSteps)
  const state = JSON.stringify(value)
  if (!atomicStates.has(state)) throw new Error(`the snapshot's state ${state} is not in the statechart`)
  for (const [field, check] of checks)
    if (!check(context[field])) throw new Error(`the snapshot's context has no valid ${field}`)
  for (const column of columns)
    if (context[column] !== row[column]) throw new Error(`the snapshot's ${column} differs from the row's`)
  return { value, context }
}

interface StateNode {
  readonly type: string
  readonly states: Readonly<Record<string, StateNode>>
}

/** The value, as JSON, of each atomic state. Every row is checked against it, so it is computed once. */
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
// Some are times: `Date` cannot represent a greater one.
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

const emptySpec: WorkspaceSpec = {
  image: '',
  containerEnv: {},
  remoteEnv: {},
  remoteUser: null,
  workspaceFolder: '/',
  forwardPorts: [],
  overrideCommand: true,
  init: true,
  limits: { cpus: 1, memoryBytes: 0, pids: 1 },
  onCreate: [],
  postCreate: [],
  postStart: [],
}

/**
 * Builds the state from which a workspace without a readable snapshot is deleted. The row's columns are enough, since providers find
 * containers by workspace id. Returns `undefined` if this version does not know the row's provider.
 */
export function deletingStateFromRow(row: StoredWorkspaceRow): RestorableState | undefined {
  const { id, owner, name, template, createdAt: at } = row
  const provider = providerNames.find((known) => known === row.provider)
  if (!provider) return undefined
  const input = { id, owner, name, template, provider, spec: emptySpec, metadata: null, ttlSeconds: null, at }
  return { value: { deleting: 'destroying' }, context: initialContext(input) }
}

/** Creates an actor from stored state, without starting it. If the machine does not know the state, its snapshot has status `error`. */
export function createRestoredActor(logic: WorkspaceLogic, id: string, stored: RestorableState): Actor<WorkspaceLogic> {
  return createActor(logic, { id, snapshot: restorableSnapshot(stored) })
}
