import { describe, expect, test } from 'vitest'
import { chartOf, leavesOf } from '../../src/chart/chart.ts'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { userCommands } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { availableCommands, statePath } from '../../src/machines/workspace-snapshot.ts'
import type { State } from './transitions.ts'
import { snapshotAt, connection, now, cause, nextSnapshot } from './transitions.ts'

type Type = WorkspaceEvent['type']
type Cells = Record<Type, State | typeof refused>
const refused = 'refused'

// The most common form of each event: about the workspace's own container, which exited by itself; due now; at the step `boot`.
const events: { readonly [T in Type]: Extract<WorkspaceEvent, { type: T }> } = {
  start: { type: 'start', ...cause },
  stop: { type: 'stop', ...cause },
  restart: { type: 'restart', ...cause },
  delete: { type: 'delete', ...cause },
  expire: { type: 'expire', ...cause },
  update: { type: 'update', ...cause, name: 'other' },
  exited: {
    type: 'exited',
    ...cause,
    containerId: 'c1',
    exit: { code: 1, outOfMemory: false, wentDownWithEngine: false },
  },
  vanished: { type: 'vanished', ...cause, containerId: 'c1' },
  appeared: { type: 'appeared', ...cause, containerId: 'c1', connection },
  granted: { type: 'granted', ...cause },
  resume: { type: 'resume', ...cause },
  wake: { type: 'wake', ...cause },
  progress: { type: 'progress', ...cause, text: 'half of it' },
}

const deletable = { delete: 'deleting.destroying', expire: 'deleting.destroying' } as const
const unsupported = {
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
const creating = <S extends State>(state: S) =>
  ({ ...unsupported, ...deletable, update: state, resume: 'creating.queued', progress: state }) as const
const starting = <S extends State>(state: S) =>
  ({
    ...unsupported,
    ...deletable,
    update: state,
    stop: 'running.stopping.halting',
    resume: 'stopped.starting.queued',
    progress: state,
  }) as const
const halting = <S extends State, R extends State>(state: S, resumed: R) =>
  ({ ...unsupported, ...deletable, update: state, resume: resumed }) as const
const deleting = {
  ...unsupported,
  delete: refused,
  expire: refused,
  update: refused,
  resume: 'deleting.destroying',
} as const

// Complete: a new state or event does not compile until its cells are filled in.
const table = {
  'creating.queued': { ...creating('creating.queued'), granted: 'creating.boot' },
  'creating.image': creating('creating.image'),
  'creating.container': creating('creating.container'),
  'creating.boot': creating('creating.boot'),
  'creating.setup': creating('creating.setup'),
  'creating.waiting': { ...creating('creating.waiting'), wake: 'creating.queued' },
  'running.up': {
    ...unsupported,
    ...deletable,
    update: 'running.up',
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
    ...unsupported,
    ...deletable,
    update: 'stopped.idle',
    start: 'stopped.starting.queued',
    vanished: 'stopped.idle',
    appeared: 'running.up',
  },
  'stopped.starting.queued': { ...starting('stopped.starting.queued'), granted: 'stopped.starting.boot' },
  'stopped.starting.boot': starting('stopped.starting.boot'),
  'stopped.starting.setup': starting('stopped.starting.setup'),
  'stopped.starting.waiting': { ...starting('stopped.starting.waiting'), wake: 'stopped.starting.queued' },
  failed: { ...unsupported, ...deletable, update: 'failed', start: 'creating.queued', vanished: 'failed' },
  'deleting.destroying': deleting,
  'deleting.waiting': { ...deleting, wake: 'deleting.destroying' },
  deleted: { ...unsupported, delete: refused, expire: refused, update: refused },
} as const satisfies Record<State, Cells>

const states = Object.keys(table) as State[]
const cells = (state: State) => Object.entries<Cells[Type]>(table[state]) as [Type, Cells[Type]][]
const snapshotIn = (state: State) =>
  snapshotAt(state, {
    step: 'boot',
    connection: state.startsWith('running') ? connection : null,
    waitingForEngine: true,
  })

test('the table has a row for each state of the machine', () => {
  expect(states.toSorted()).toEqual(
    leavesOf(chartOf(workspaceMachine))
      .map((leaf) => leaf.id)
      .sort(),
  )
})

describe.each(states)('in %s', (state) => {
  test.each(cells(state))('%s: %s', (type, cell) => {
    const before = snapshotIn(state)
    expect(statePath(before.value)).toBe(state)
    // A deleted workspace accepts no event, but `can` still evaluates the root state: check `status` first.
    const accepted = before.status === 'active' && before.can(events[type])
    expect(accepted).toBe(cell !== refused)
    if (!accepted) return
    const after = nextSnapshot(before, events[type])
    expect(statePath(after.value)).toBe(cell)
  })

  test('every accepted command changes the workspace', () => {
    const before = snapshotIn(state)
    for (const type of availableCommands(before)) {
      const after = nextSnapshot(before, events[type])
      expect([type, { value: after.value, context: after.context }]).not.toEqual([
        type,
        { value: before.value, context: before.context },
      ])
    }
  })

  test('the listed commands are exactly the accepted ones', () => {
    expect(availableCommands(snapshotIn(state))).toEqual(
      userCommands.filter((command) => table[state][command] !== refused),
    )
  })
})

test('a deleting or deleted workspace refuses every command', () => {
  for (const state of ['deleting.destroying', 'deleting.waiting', 'deleted'] as const)
    expect(availableCommands(snapshotAt(state))).toEqual([])
})

test('a workspace does not expire before it is due', () => {
  for (const state of states) expect(snapshotAt(state, { expiresAt: now + 1 }).can(events.expire)).toBe(false)
  for (const state of states) expect(snapshotAt(state, { expiresAt: null }).can(events.expire)).toBe(false)
})
