import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths } from 'xstate/graph'
import { chartOf, statesOf } from '../../src/chart/chart.ts'
import type { WorkspaceInput } from '../../src/machines/workspace-context.ts'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-snapshot.ts'
import { statePath } from '../../src/machines/workspace-snapshot.ts'
import type { TimerId, EffectId } from './transitions.ts'
import { effectDone, connection, failedWith, timerFired, createRequest, cause, successResults } from './transitions.ts'

/** A snapshot that the machine can be brought to, and a shortest way there. */
export interface ReachableState {
  readonly snapshot: WorkspaceSnapshot
  /** Each event and where it led to; the first is the create. */
  readonly steps: readonly { readonly event: { readonly type: string }; readonly state: WorkspaceSnapshot }[]
}

export interface StateEdge {
  readonly state: WorkspaceSnapshot
  readonly event: { readonly type: string }
  readonly nextState: WorkspaceSnapshot
}

const chart = chartOf(workspaceMachine)
const states = new Map(statesOf(chart).map((state) => [state.id, state]))

/** The states that a snapshot is in, innermost first, as the chart has them. */
export function statesIn(snapshot: WorkspaceSnapshot) {
  const parts = statePath(snapshot.value).split('.')
  return parts.flatMap((_, n) => states.get(parts.slice(0, parts.length - n).join('.')) ?? [])
}

/** What a snapshot has under way. */
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

/** Everything that can happen to a snapshot next: what it is told, and how what is under way can end. */
function nextEvents(snapshot: WorkspaceSnapshot): readonly WorkspaceEvent[] {
  const invokeResults = invokesIn(snapshot).flatMap(({ id, src }) => {
    if (src === 'timer') return [timerFired(id as TimerId)]
    const effect = id as EffectId
    // Only a boot or a setup can find its container gone: for the others that is no answer, or success.
    const faults =
      src === 'boot' || src === 'setup'
        ? (['permanent', 'transient', 'unavailable', 'missing'] as const)
        : (['permanent', 'transient', 'unavailable'] as const)
    return [successResults[effect], ...faults.map((kind) => failedWith(kind))].map((kind) => effectDone(effect, kind))
  })
  return [...externalEvents.filter((event) => snapshot.can(event)), ...invokeResults]
}

/** Two snapshots with the same key have the same life before them. */
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

// What else a snapshot remembers makes no difference to what happens next, so that there is an end to them. Deleting is tried for
// ever: it is cut off after six tries. The limit, of steps tried, is for a field in the key that counts without bound.
const traversalOptions = (input: WorkspaceInput) => ({
  input,
  events: nextEvents,
  serializeState: stateKey,
  stopWhen: ({ status, context }: WorkspaceSnapshot) => status !== 'active' || context.attempts > 6,
  limit: 100_000,
})

/** Every snapshot that a workspace can be brought to, as far as it matters to what happens next, by a shortest way. */
export function reachableStates(input = createRequest): readonly ReachableState[] {
  return getShortestPaths(workspaceMachine, traversalOptions(input)).map(({ state, steps }) => ({
    snapshot: state,
    steps,
  }))
}

/** Each step from one of those to another. */
export function reachableEdges(): readonly StateEdge[] {
  return adjacencyMapToArray(getAdjacencyMap(workspaceMachine, traversalOptions(createRequest)))
}
