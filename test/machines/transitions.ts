import type { StateValueFrom } from 'xstate'
import { transition } from 'xstate'
import type { WorkspaceContext, WorkspaceInput } from '../../src/machines/workspace-context.ts'
import { initialContext } from '../../src/machines/workspace-context.ts'
import type { EffectResult, WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-snapshot.ts'
import type { Connection } from '../../src/workspace/container.ts'
import type { Fault } from '../../src/workspace/fault.ts'
import { ok, fault } from '../../src/workspace/fault.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'

// Transitions of the pure machine: no actor is started, no effect runs, no time passes.

// XState's type of a state value also lists parent states by their bare name, since a target may use it.
type Nested<V> = V extends object ? keyof V & string : never
type Leaf<V> = V extends string ? V : { [K in keyof V & string]: `${K}.${Leaves<V[K]>}` }[keyof V & string]
type Leaves<V> = Leaf<Exclude<V, Nested<V>>>

/** A state of the machine, such as `creating.boot`, derived from the machine's type. */
export type State = Leaves<StateValueFrom<typeof workspaceMachine>>
export type EffectId = 'image' | 'container' | 'boot' | 'setup' | 'stop' | 'remove'
export type TimerId = 'deadline' | 'pause'

/** The time of every event in these tests, milliseconds since the epoch. */
export const now = 1_000_000_000
export const cause = { at: now, by: 'test' } as const
export const connection: Connection = { container_id: 'c1' }

const spec = {
  image: 'debian',
  containerEnv: {},
  remoteEnv: {},
  remoteUser: null,
  workspaceFolder: '/workspace',
  forwardPorts: [],
  overrideCommand: true,
  init: true,
  limits: { cpus: 1, memoryBytes: 1, pids: 1 },
  onCreate: [],
  postCreate: [],
  postStart: [],
} as const

/** A create request whose workspace expires at `now`. */
export const createRequest: WorkspaceInput = {
  id: newWorkspaceId(),
  owner: 'alice',
  name: 'w',
  template: 'base',
  provider: 'docker',
  spec,
  metadata: null,
  ttlSeconds: 60,
  at: now - 60_000,
}

export const newContext: WorkspaceContext = initialContext(createRequest)

/** Returns a workspace in `state` that has a container; `changes` override its context. */
export function snapshotAt(state: State, changes: Partial<WorkspaceContext> = {}): WorkspaceSnapshot {
  const [innermost = '', ...outer] = state.split('.').toReversed()
  const value = outer.reduce<string | { [key: string]: unknown }>((inner, key) => ({ [key]: inner }), innermost)
  const context = { ...newContext, imageId: 'i1', containerId: 'c1', prepared: true, ...changes }
  return workspaceMachine.resolveState({ value: value as StateValueFrom<typeof workspaceMachine>, context })
}

export function nextSnapshot(from: WorkspaceSnapshot, event: WorkspaceEvent): WorkspaceSnapshot {
  const [next] = transition(workspaceMachine, from, event)
  return next
}

/** The event that XState sends for an effect's result. */
export function effectDone(id: EffectId, result: EffectResult<unknown>): WorkspaceEvent {
  return { type: `xstate.done.actor.${id}`, output: result } as unknown as WorkspaceEvent
}

/** The event that XState sends when a timer has fired. */
export function timerFired(id: TimerId, firedAt = now): WorkspaceEvent {
  return { type: `xstate.done.actor.${id}`, output: { at: firedAt } } as unknown as WorkspaceEvent
}

export function succeeded(value?: unknown): EffectResult<unknown> {
  return { ...ok(value), at: now, jitter: 0 }
}

export function failedWith(kind: Fault['kind'], message = 'the engine said no'): EffectResult<unknown> {
  return { ...fault(kind, message), at: now, jitter: 0 }
}

/** The result of each effect on success. */
export const successResults: Readonly<Record<EffectId, EffectResult<unknown>>> = {
  image: succeeded({ imageId: 'i1' }),
  container: succeeded({ containerId: 'c1' }),
  boot: succeeded({ connection }),
  setup: succeeded(),
  stop: succeeded(),
  remove: succeeded(),
}
