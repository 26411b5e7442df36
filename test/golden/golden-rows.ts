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

/** All transitions of a workspace, oldest first. */
export type WorkspaceHistory = readonly TransitionRecord[]

/** SQL that makes a row unreadable, by workspace name. */
export const damagedRows: Readonly<Record<string, string>> = {
  'bad.snapshot': `snapshot = '{"value":'`,
  'bad.state': `snapshot = json_set(snapshot, '$.value', 'no state of any chart')`,
  'bad.marked': `snapshot = 'null', status = 'failed', unreadable = 'an older version said why'`,
  'bad.deleting': `snapshot = 'null', status = 'deleting'`,
}

// Does not expire during a test.
const tenYears = 315_360_000

/**
 * Returns the histories of a golden database, the same in every run. For each state of the chart: a shortest one per provider, and a
 * Docker one with an idempotency key that fills as many fields as possible. Each is named after its state. Then the rows to damage.
 */
export function goldenHistories(): readonly WorkspaceHistory[] {
  const minimal: WorkspaceInput = { ...createRequest, owner: 'ann', ttlSeconds: null }
  const asProcess: WorkspaceInput = { ...createRequest, owner: 'ben', ttlSeconds: tenYears, provider: 'process' }
  const metadata = { purpose: 'golden', tags: ['a', null, 1.5], more: { text: `O’Neill's "words"\n` } }
  const full: WorkspaceInput = { ...minimal, ttlSeconds: tenYears, metadata, spec: fullSpec }
  const docker = pathsByState(reachableStates(minimal))
  const runningPaths = docker.get('running.up') ?? []
  const histories = [
    ...[...docker].map(([state, [path]]) => ({ path, request: { ...minimal, name: state } })),
    ...[...pathsByState(reachableStates(full))].map(([state, paths]) => ({
      path: fullestPath(paths),
      request: { ...full, name: `${state}.full` },
      key: `key of ${state}`,
    })),
    ...[...pathsByState(reachableStates(asProcess))].map(([state, [path]]) => ({
      path,
      request: { ...asProcess, name: state },
    })),
    ...Object.keys(damagedRows).map((name) => ({ path: runningPaths[0], request: { ...minimal, name } })),
  ]
  return histories.flatMap(({ path, request, ...idempotency }, n) =>
    path ? [transitionRecords(path, { ...request, id: numberedId(n + 1) }, idempotency)] : [],
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
  if (!id) throw new Error(`${n} does not make a valid id`)
  return id
}

// Replays the events: the traversal merges snapshots that differ only in fields it ignores.
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
