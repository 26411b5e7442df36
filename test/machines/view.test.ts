import { expect, test } from 'vitest'
import { commandsIn, statePath, statusOf } from '../../src/machines/workspace-view.ts'
import { at } from './walk.ts'

test('a state is told as a dotted path', () => {
  expect(statePath('failed')).toBe('failed')
  expect(statePath({ creating: 'boot' })).toBe('creating.boot')
  expect(statePath({ stopped: { starting: 'waiting' } })).toBe('stopped.starting.waiting')
})

test('a status is the top-level state', () => {
  expect(statusOf('deleted')).toBe('deleted')
  expect(statusOf({ running: 'restarting' })).toBe('running')
  expect(statusOf({ stopped: { starting: 'boot' } })).toBe('stopped')
})

test('commands are listed in a fixed order, and none for a workspace that is gone', () => {
  expect(commandsIn(at('running.up'))).toEqual(['stop', 'restart', 'amend', 'delete'])
  expect(commandsIn(at('stopped.idle'))).toEqual(['start', 'amend', 'delete'])
  expect(commandsIn(at('stopped.starting.boot'))).toEqual(['stop', 'amend', 'delete'])
  expect(commandsIn(at('creating.image'))).toEqual(['amend', 'delete'])
  expect(commandsIn(at('deleting.waiting'))).toEqual([])
  expect(commandsIn(at('deleted'))).toEqual([])
})
