import type { StateValueFrom } from 'xstate'
import { transition } from 'xstate'
import type { WorkspaceContext, WorkspaceRequest } from '../../src/machines/workspace-context.ts'
import { newWorkspace } from '../../src/machines/workspace-context.ts'
import type { Answer, WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-view.ts'
import type { Connection } from '../../src/workspace/container.ts'
import type { Fault } from '../../src/workspace/fault.ts'
import { done, fault } from '../../src/workspace/fault.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'

// Steps of the pure machine: no actor is started, nothing runs, no time passes.

// XState's type of a value lists a state with states inside by its bare name too, as a target may name it.
type Nested<V> = V extends object ? keyof V & string : never
type Leaf<V> = V extends string ? V : { [K in keyof V & string]: `${K}.${Leaves<V[K]>}` }[keyof V & string]
type Leaves<V> = Leaf<Exclude<V, Nested<V>>>

/** A state that the machine can be in: `creating.boot`. Taken from the machine's own type. */
export type State = Leaves<StateValueFrom<typeof workspaceMachine>>
export type EffectId = 'image' | 'container' | 'boot' | 'setup' | 'halt' | 'destroy'
export type AlarmId = 'deadline' | 'pause'

/** When the workspaces of these tests are told things. Milliseconds since the epoch. */
export const now = 1_000_000_000
export const said = { at: now, by: 'test' } as const
export const connection: Connection = { container_id: 'c1' }

const recipe = {
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

/** A create whose workspace expires `now`. */
export const request: WorkspaceRequest = {
  id: newWorkspaceId(),
  owner: 'alice',
  name: 'w',
  template: 'base',
  provider: 'docker',
  recipe,
  metadata: null,
  ttlSeconds: 60,
  at: now - 60_000,
}

export const fresh: WorkspaceContext = newWorkspace(request)

/** A workspace in `state`; its container is there, and what else it remembers is as given. */
export function at(state: State, changes: Partial<WorkspaceContext> = {}): WorkspaceSnapshot {
  const [last = '', ...outer] = state.split('.').toReversed()
  const value = outer.reduce<string | { [key: string]: unknown }>((inner, key) => ({ [key]: inner }), last)
  const context = { ...fresh, imageId: 'i1', containerId: 'c1', prepared: true, ...changes }
  return workspaceMachine.resolveState({ value: value as StateValueFrom<typeof workspaceMachine>, context })
}

export function step(from: WorkspaceSnapshot, event: WorkspaceEvent): WorkspaceSnapshot {
  const [next] = transition(workspaceMachine, from, event)
  return next
}

/** The event that XState makes of an effect's answer. */
export function answered(id: EffectId, answer: Answer<unknown>): WorkspaceEvent {
  return { type: `xstate.done.actor.${id}`, output: answer } as unknown as WorkspaceEvent
}

/** The event that XState makes of an alarm's end. */
export function rang(id: AlarmId, when = now): WorkspaceEvent {
  return { type: `xstate.done.actor.${id}`, output: { at: when } } as unknown as WorkspaceEvent
}

export function ok(value?: unknown): Answer<unknown> {
  return { ...done(value), at: now, luck: 0 }
}

export function not(again: Fault['again'], message = 'the engine said no'): Answer<unknown> {
  return { ...fault(again, message), at: now, luck: 0 }
}

/** What each effect answers when it did what it was asked. */
export const success: Readonly<Record<EffectId, Answer<unknown>>> = {
  image: ok({ imageId: 'i1' }),
  container: ok({ containerId: 'c1' }),
  boot: ok({ connection }),
  setup: ok(),
  halt: ok(),
  destroy: ok(),
}
