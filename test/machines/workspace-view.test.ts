import { expect, test } from 'vitest'
import { availableCommands, statePath, statusOf } from '../../src/machines/workspace-snapshot.ts'
import { snapshotAt } from './transitions.ts'

test('a state is shown as a dotted path', () => {
  // @ts-expect-error -- the statechart has no such state
  expect(statePath('failed') === 'running.down').toBe(false)
  expect(statePath('failed')).toBe('failed')
  expect(statePath({ creating: 'boot' })).toBe('creating.boot')
  expect(statePath({ stopped: { starting: 'waiting' } })).toBe('stopped.starting.waiting')
})

test('a status is the top-level state', () => {
  expect(statusOf('deleted')).toBe('deleted')
  expect(statusOf({ running: 'restarting' })).toBe('running')
  expect(statusOf({ stopped: { starting: 'boot' } })).toBe('stopped')
})

test('commands are listed in a fixed order, and none for a deleted workspace', () => {
  expect(availableCommands(snapshotAt('running.up'))).toEqual(['stop', 'restart', 'update', 'delete'])
  expect(availableCommands(snapshotAt('stopped.idle'))).toEqual(['start', 'update', 'delete'])
  expect(availableCommands(snapshotAt('stopped.starting.boot'))).toEqual(['stop', 'update', 'delete'])
  expect(availableCommands(snapshotAt('creating.image'))).toEqual(['update', 'delete'])
  expect(availableCommands(snapshotAt('deleting.waiting'))).toEqual([])
  expect(availableCommands(snapshotAt('deleted'))).toEqual([])
})
