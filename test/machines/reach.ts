import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths } from 'xstate/graph'
import { chartOf, statesOf } from '../../src/chart/chart.ts'
import type { WorkspaceRequest } from '../../src/machines/workspace-context.ts'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-view.ts'
import { statePath } from '../../src/machines/workspace-view.ts'
import type { AlarmId, EffectId } from './walk.ts'
import { answered, connection, not, rang, request, said, success } from './walk.ts'

/** A snapshot that the machine can be brought to, and a shortest way there. */
export interface Reached {
  readonly snapshot: WorkspaceSnapshot
  /** Each event and where it led to; the first is the create. */
  readonly steps: readonly { readonly event: { readonly type: string }; readonly state: WorkspaceSnapshot }[]
}

export interface Edge {
  readonly state: WorkspaceSnapshot
  readonly event: { readonly type: string }
  readonly nextState: WorkspaceSnapshot
}

const chart = chartOf(workspaceMachine)
const states = new Map(statesOf(chart).map((it) => [it.id, it]))

/** The states that a snapshot is in, innermost first, as the chart has them. */
export function statesIn(snapshot: WorkspaceSnapshot) {
  const parts = statePath(snapshot.value).split('.')
  return parts.flatMap((_, n) => states.get(parts.slice(0, parts.length - n).join('.')) ?? [])
}

/** What a snapshot has under way. */
export function underWay(snapshot: WorkspaceSnapshot): readonly { readonly id: string; readonly src: string }[] {
  return statesIn(snapshot).flatMap((it) => it.invokes)
}

const exit = { code: 1, outOfMemory: false, withEngine: false }
const told: readonly WorkspaceEvent[] = [
  { type: 'start', ...said },
  { type: 'stop', ...said },
  { type: 'restart', ...said },
  { type: 'delete', ...said },
  { type: 'expire', ...said },
  { type: 'amend', ...said, ttlSeconds: 60, metadata: { a: [1, null] } },
  { type: 'exited', ...said, containerId: 'c1', exit },
  { type: 'exited', ...said, containerId: 'c1', exit: { ...exit, outOfMemory: true } },
  { type: 'exited', ...said, containerId: 'c1', exit: { ...exit, withEngine: true } },
  { type: 'vanished', ...said, containerId: 'c1' },
  { type: 'appeared', ...said, containerId: 'c1', connection },
  { type: 'granted', ...said },
  { type: 'resume', ...said },
  { type: 'progress', ...said, text: 'half of it' },
]

/** Everything that can happen to a snapshot next: what it is told, and how what is under way can end. */
function next(snapshot: WorkspaceSnapshot): readonly WorkspaceEvent[] {
  const ends = underWay(snapshot).flatMap(({ id, src }) => {
    if (src === 'alarm') return [rang(id as AlarmId)]
    const effect = id as EffectId
    // Only a boot or a setup can find its container gone: for the others that is no answer, or success.
    const faults =
      src === 'boot' || src === 'setup'
        ? (['never', 'later', 'away', 'gone'] as const)
        : (['never', 'later', 'away'] as const)
    return [success[effect], ...faults.map((it) => not(it))].map((it) => answered(effect, it))
  })
  return [...told.filter((it) => snapshot.can(it)), ...ends]
}

/** Two snapshots with the same key have the same life before them. */
export function keyOf({ value, context: it }: WorkspaceSnapshot): string {
  const bare = [it.reason, it.progress, it.connection, it.imageId, it.expiresAt].map((field) => field === null)
  return JSON.stringify([value, it.step, it.tries, it.containerId, it.prepared, it.deadline, ...bare])
}

// What else a snapshot remembers makes no difference to what happens next, so that there is an end to them. Deleting is tried for
// ever: it is cut off after six tries. The limit, of steps tried, is for a field in the key that counts without bound.
const walk = (input: WorkspaceRequest) => ({
  input,
  events: next,
  serializeState: keyOf,
  stopWhen: ({ status, context }: WorkspaceSnapshot) => status !== 'active' || context.tries > 6,
  limit: 100_000,
})

/** Every snapshot that a workspace can be brought to, as far as it matters to what happens next, by a shortest way. */
export function reachable(input = request): readonly Reached[] {
  return getShortestPaths(workspaceMachine, walk(input)).map(({ state, steps }) => ({ snapshot: state, steps }))
}

/** Each step from one of those to another. */
export function edges(): readonly Edge[] {
  return adjacencyMapToArray(getAdjacencyMap(workspaceMachine, walk(request)))
}
