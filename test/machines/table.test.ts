import { describe, expect, test } from 'vitest'
import { chartOf, leavesOf } from '../../src/chart/chart.ts'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { userCommands } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { commandsIn, statePath } from '../../src/machines/workspace-view.ts'
import type { State } from './walk.ts'
import { at, connection, now, said, step } from './walk.ts'

type Type = WorkspaceEvent['type']
type Cells = Record<Type, State | typeof refused>
const refused = 'refused'

// Each event as it is most often: about the workspace's own container, which exited by itself; due now; the step is `boot`.
const events: { readonly [T in Type]: Extract<WorkspaceEvent, { type: T }> } = {
  start: { type: 'start', ...said },
  stop: { type: 'stop', ...said },
  restart: { type: 'restart', ...said },
  delete: { type: 'delete', ...said },
  expire: { type: 'expire', ...said },
  amend: { type: 'amend', ...said, name: 'other' },
  exited: { type: 'exited', ...said, containerId: 'c1', exit: { code: 1, outOfMemory: false, withEngine: false } },
  vanished: { type: 'vanished', ...said, containerId: 'c1' },
  appeared: { type: 'appeared', ...said, containerId: 'c1', connection },
  granted: { type: 'granted', ...said },
  resume: { type: 'resume', ...said },
  wake: { type: 'wake', ...said },
  progress: { type: 'progress', ...said, text: 'half of it' },
}

const deletable = { delete: 'deleting.destroying', expire: 'deleting.destroying' } as const
const unheard = {
  start: refused,
  stop: refused,
  restart: refused,
  exited: refused,
  vanished: refused,
  appeared: refused,
  granted: refused,
  resume: refused,
  wake: refused,
  progress: refused,
} as const
const making = <S extends State>(state: S) =>
  ({ ...unheard, ...deletable, amend: state, resume: 'creating.queued', progress: state }) as const
const starting = <S extends State>(state: S) =>
  ({
    ...unheard,
    ...deletable,
    amend: state,
    stop: 'running.stopping.halting',
    resume: 'stopped.starting.queued',
    progress: state,
  }) as const
const halting = <S extends State, R extends State>(state: S, resumed: R) =>
  ({ ...unheard, ...deletable, amend: state, resume: resumed }) as const
const leaving = { ...unheard, delete: refused, expire: refused, amend: refused, resume: 'deleting.destroying' } as const

// Total: a new state or a new event does not compile until its cells are decided.
const table = {
  'creating.queued': { ...making('creating.queued'), granted: 'creating.boot' },
  'creating.image': making('creating.image'),
  'creating.container': making('creating.container'),
  'creating.boot': making('creating.boot'),
  'creating.setup': making('creating.setup'),
  'creating.waiting': { ...making('creating.waiting'), wake: 'creating.queued' },
  'running.up': {
    ...unheard,
    ...deletable,
    amend: 'running.up',
    stop: 'running.stopping.halting',
    restart: 'running.restarting.halting',
    exited: 'stopped.idle',
    vanished: 'stopped.idle',
    appeared: 'running.up',
  },
  'running.stopping.halting': halting('running.stopping.halting', 'running.stopping.halting'),
  'running.stopping.waiting': {
    ...halting('running.stopping.waiting', 'running.stopping.halting'),
    wake: 'running.stopping.halting',
  },
  'running.restarting.halting': halting('running.restarting.halting', 'running.restarting.halting'),
  'running.restarting.waiting': {
    ...halting('running.restarting.waiting', 'running.restarting.halting'),
    wake: 'running.restarting.halting',
  },
  'stopped.idle': {
    ...unheard,
    ...deletable,
    amend: 'stopped.idle',
    start: 'stopped.starting.queued',
    vanished: 'stopped.idle',
    appeared: 'running.up',
  },
  'stopped.starting.queued': { ...starting('stopped.starting.queued'), granted: 'stopped.starting.boot' },
  'stopped.starting.boot': starting('stopped.starting.boot'),
  'stopped.starting.setup': starting('stopped.starting.setup'),
  'stopped.starting.waiting': { ...starting('stopped.starting.waiting'), wake: 'stopped.starting.queued' },
  failed: { ...unheard, ...deletable, amend: 'failed', start: 'creating.queued', vanished: 'failed' },
  'deleting.destroying': leaving,
  'deleting.waiting': { ...leaving, wake: 'deleting.destroying' },
  deleted: { ...unheard, delete: refused, expire: refused, amend: refused },
} as const satisfies Record<State, Cells>

const states = Object.keys(table) as State[]
const cells = (state: State) => Object.entries<Cells[Type]>(table[state]) as [Type, Cells[Type]][]
const here = (state: State) =>
  at(state, { step: 'boot', connection: state.startsWith('running') ? connection : null, forEngine: true })

test('the table has a row for each state that the machine can be in', () => {
  expect(states.toSorted()).toEqual(
    leavesOf(chartOf(workspaceMachine))
      .map((it) => it.id)
      .sort(),
  )
})

describe.each(states)('in %s', (state) => {
  test.each(cells(state))('%s: %s', (type, cell) => {
    const before = here(state)
    expect(statePath(before.value)).toBe(state)
    // A workspace that is deleted hears nothing: who asks looks at `status` first, since `can` asks the root even then.
    const heard = before.status === 'active' && before.can(events[type])
    expect(heard).toBe(cell !== refused)
    if (!heard) return
    const after = step(before, events[type])
    expect(statePath(after.value)).toBe(cell)
  })

  test('every command that it accepts changes it', () => {
    const before = here(state)
    for (const type of commandsIn(before)) {
      const after = step(before, events[type])
      expect([type, { value: after.value, context: after.context }]).not.toEqual([
        type,
        { value: before.value, context: before.context },
      ])
    }
  })

  test('the commands that it lists are those that it accepts', () => {
    expect(commandsIn(here(state))).toEqual(userCommands.filter((it) => table[state][it] !== refused))
  })
})

test('a workspace that is being deleted, or is deleted, refuses every command', () => {
  for (const state of ['deleting.destroying', 'deleting.waiting', 'deleted'] as const)
    expect(commandsIn(at(state))).toEqual([])
})

test('a workspace that is not due yet is not deleted by its expiry', () => {
  for (const state of states) expect(at(state, { expiresAt: now + 1 }).can(events.expire)).toBe(false)
  for (const state of states) expect(at(state, { expiresAt: null }).can(events.expire)).toBe(false)
})
