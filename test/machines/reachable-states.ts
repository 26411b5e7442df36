import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths } from 'xstate/graph'
import { chartOf, statesOf } from '../../src/chart/chart.ts'
import type { WorkspaceInput } from '../../src/machines/workspace-context.ts'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-snapshot.ts'
import { statePath } from '../../src/machines/workspace-snapshot.ts'
import type { TimerId, EffectId } from './transitions.ts'
import { effectDone, connection, failedWith, timerFired, createRequest, cause, successResults } from './transitions.ts'

/** A snapshot that the machine can reach, and a shortest path to it. */
export interface ReachableState {
  readonly snapshot: WorkspaceSnapshot
  /** Each event and the state after it; the first is the create. */
  readonly steps: readonly { readonly event: { readonly type: string }; readonly state: WorkspaceSnapshot }[]
}

export interface StateEdge {
  readonly state: WorkspaceSnapshot
  readonly event: { readonly type: string }
  readonly nextState: WorkspaceSnapshot
}

const chart = chartOf(workspaceMachine)
const states = new Map(statesOf(chart).map((state) => [state.id, state]))

/** Returns the chart's states that a snapshot is in, innermost first. */
export function statesIn(snapshot: WorkspaceSnapshot) {
  const parts = statePath(snapshot.value).split('.')
  return parts.flatMap((_, n) => states.get(parts.slice(0, parts.length - n).join('.')) ?? [])
}

/** Returns the running effects and timers of a snapshot. */
export function invokesIn(snapshot: WorkspaceSnapshot): readonly { readonly id: string; readonly src: string }[] {
  return statesIn(snapshot).flatMap((state) => state.invokes)
}

const exit = { code: 1, outOfMemory: false, wentDownWithEngine: false }
const externalEvents: readonly WorkspaceEvent[] = [
  { type: 'start', ...cause },
  { type: 'stop', ...cause },
  { type: 'restart', ...cause },
  { type: 'delete', ...cause },
  { type: 'expire', ...cause },
  { type: 'update', ...cause, ttlSeconds: 60, metadata: { a: [1, null] } },
  { type: 'exited', ...cause, containerId: 'c1', exit },
  { type: 'exited', ...cause, containerId: 'c1', exit: { ...exit, outOfMemory: true } },
  { type: 'exited', ...cause, containerId: 'c1', exit: { ...exit, wentDownWithEngine: true } },
  { type: 'vanished', ...cause, containerId: 'c1' },
  { type: 'appeared', ...cause, containerId: 'c1', connection },
  { type: 'granted', ...cause },
  { type: 'resume', ...cause },
  { type: 'progress', ...cause, text: 'half of it' },
]

/** Returns every event that a snapshot can receive next: accepted events, and the results of running effects and timers. */
function nextEvents(snapshot: WorkspaceSnapshot): readonly WorkspaceEvent[] {
  const invokeResults = invokesIn(snapshot).flatMap(({ id, src }) => {
    if (src === 'timer') return [timerFired(id as TimerId)]
    const effect = id as EffectId
    // Only a boot or a setup can fail with `missing`: other effects cannot return it, or treat it as success.
    const faults =
      src === 'boot' || src === 'setup'
        ? (['permanent', 'transient', 'unavailable', 'missing'] as const)
        : (['permanent', 'transient', 'unavailable'] as const)
    return [successResults[effect], ...faults.map((kind) => failedWith(kind))].map((kind) => effectDone(effect, kind))
  })
  return [...externalEvents.filter((event) => snapshot.can(event)), ...invokeResults]
}

/** Two snapshots with the same key have the same possible futures. */
export function stateKey({ value, context }: WorkspaceSnapshot): string {
  const isNullFlags = [context.reason, context.progress, context.connection, context.imageId, context.expiresAt].map(
    (field) => field === null,
  )
  return JSON.stringify([
    value,
    context.step,
    context.attempts,
    context.containerId,
    context.prepared,
    context.deadline,
    ...isNullFlags,
  ])
}

// The other fields do not affect what happens next; without them the graph is finite. Deletes are retried forever, so the traversal
// stops after six attempts. The limit catches a field in the key that grows without bound.
const traversalOptions = (input: WorkspaceInput) => ({
  input,
  events: nextEvents,
  serializeState: stateKey,
  stopWhen: ({ status, context }: WorkspaceSnapshot) => status !== 'active' || context.attempts > 6,
  limit: 100_000,
})

/** Returns a snapshot for each reachable state key, with a shortest path to it. */
export function reachableStates(input = createRequest): readonly ReachableState[] {
  return getShortestPaths(workspaceMachine, traversalOptions(input)).map(({ state, steps }) => ({
    snapshot: state,
    steps,
  }))
}

/** Returns each transition between these snapshots. */
export function reachableEdges(): readonly StateEdge[] {
  return adjacencyMapToArray(getAdjacencyMap(workspaceMachine, traversalOptions(createRequest)))
}
