import { initialTransition } from 'xstate'
import type { WorkspaceInput } from '../../src/machines/workspace-context.ts'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { statePath } from '../../src/machines/workspace-snapshot.ts'
import type { TransitionRecord } from '../../src/persistence/workspace-row.ts'
import { transitionCauseOf, journalLineOf, workspaceRowOf } from '../../src/supervisor/commit-log.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { parseWorkspaceId } from '../../src/workspace/id.ts'
import type { ReachableState } from '../machines/reachable-states.ts'
import { reachableStates } from '../machines/reachable-states.ts'
import { now, createRequest, nextSnapshot } from '../machines/transitions.ts'
import { fullSpec } from './full-spec.ts'

/** A workspace as it came to be, step by step. */
export type WorkspaceHistory = readonly TransitionRecord[]

/** Rows that nobody can read, by name: what is done to each. */
export const damagedRows: Readonly<Record<string, string>> = {
  'bad.snapshot': `snapshot = '{"value":'`,
  'bad.state': `snapshot = json_set(snapshot, '$.value', 'no state of any chart')`,
  'bad.marked': `snapshot = 'null', status = 'failed', unreadable = 'an older version said why'`,
  'bad.deleting': `snapshot = 'null', status = 'deleting'`,
}

// Not over within a test.
const tenYears = 315_360_000

/**
 * The lives that a golden database holds: for each state of the chart a shortest one that ends there, of either provider, and with
 * Docker one after which the workspace remembers as much as can be, made with an idempotency key. Each is named after the state. Then
 * those that are to be damaged. The same from run to run.
 */
export function goldenHistories(): readonly WorkspaceHistory[] {
  const minimal: WorkspaceInput = { ...createRequest, owner: 'ann', ttlSeconds: null }
  const asProcess: WorkspaceInput = { ...createRequest, owner: 'ben', ttlSeconds: tenYears, provider: 'process' }
  const metadata = { purpose: 'golden', tags: ['a', null, 1.5], more: { text: `O’Neill's "words"\n` } }
  const full: WorkspaceInput = { ...minimal, ttlSeconds: tenYears, metadata, spec: fullSpec }
  const docker = pathsByState(reachableStates(minimal))
  const runningPaths = docker.get('running.up') ?? []
  const histories = [
    ...[...docker].map(([state, [way]]) => ({ way, request: { ...minimal, name: state } })),
    ...[...pathsByState(reachableStates(full))].map(([state, paths]) => ({
      way: fullestPath(paths),
      request: { ...full, name: `${state}.full` },
      key: `key of ${state}`,
    })),
    ...[...pathsByState(reachableStates(asProcess))].map(([state, [way]]) => ({
      way,
      request: { ...asProcess, name: state },
    })),
    ...Object.keys(damagedRows).map((name) => ({ way: runningPaths[0], request: { ...minimal, name } })),
  ]
  return histories.flatMap(({ way, request, ...once }, n) =>
    way ? [transitionRecords(way, { ...request, id: numberedId(n + 1) }, once)] : [],
  )
}

function pathsByState(paths: readonly ReachableState[]): ReadonlyMap<string, readonly ReachableState[]> {
  const byPath = new Map<string, ReachableState[]>()
  for (const path of paths) {
    const state = statePath(path.snapshot.value)
    byPath.set(state, [...(byPath.get(state) ?? []), path])
  }
  return new Map([...byPath].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function fullestPath(paths: readonly ReachableState[]): ReachableState | undefined {
  const filledFields = ({ snapshot }: ReachableState) => Object.values(snapshot.context).filter(Boolean).length
  return paths.toSorted((a, b) => filledFields(b) - filledFields(a))[0]
}

function numberedId(n: number): WorkspaceId {
  const id = parseWorkspaceId(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`)
  if (!id) throw new Error(`${n} makes no id`)
  return id
}

// Lived through once more, since the walk holds two snapshots for one that differ in what does not matter to it.
function transitionRecords(
  { steps }: ReachableState,
  request: WorkspaceInput,
  { key }: { key?: string },
): WorkspaceHistory {
  const events = steps.slice(1).map(({ event }) => event as WorkspaceEvent) // the first is the create
  let [snapshot] = initialTransition(workspaceMachine, request)
  const cause = { event: 'create', at: request.at, by: `user:${request.owner}` }
  const { id, name } = request
  const storedResponse = { key: key ?? '', fingerprint: 'of the request', response: JSON.stringify({ id, name }) }
  const first: TransitionRecord = {
    row: workspaceRowOf(snapshot, 1, cause.at),
    line: journalLineOf(null, snapshot, cause),
    final: false,
    ...(key !== undefined && { storedResponse }),
  }
  const rest = events.map((event, n): TransitionRecord => {
    const before = snapshot
    snapshot = nextSnapshot(before, event)
    const cause = transitionCauseOf(event, now)
    const line = event.type === 'progress' ? null : journalLineOf(before, snapshot, cause)
    return { row: workspaceRowOf(snapshot, n + 2, cause.at), line, final: snapshot.status === 'done' }
  })
  return [first, ...rest]
}
