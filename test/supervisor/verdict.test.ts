import { describe, expect, it } from 'vitest'
import { verdict } from '../../src/supervisor/verdict.ts'
import type { Exit, Found } from '../../src/workspace/container.ts'
import { at, connection, fresh } from '../machines/walk.ts'

const exit: Exit = { code: 137, outOfMemory: false, withEngine: false }
const own = (state: Found['state']): Found => ({ workspaceId: fresh.id, containerId: 'c1', state })
const running = own({ kind: 'running', connection })
const exited = own({ kind: 'exited', exit })
const made = own({ kind: 'made' })
const other: Found = { ...running, containerId: 'c2' }

const up = at('running.up', { containerId: 'c1', connection })
const idle = at('stopped.idle', { containerId: 'c1' })
const failed = at('failed', { containerId: 'c1' })

describe('law 8: what an inventory says of a workspace at rest', () => {
  it.each([
    ['runs, and its container runs', up, [running], null],
    [
      'runs, and its container is reached in another way',
      up,
      [own({ kind: 'running', connection: { container_id: 'x' } })],
      'appeared',
    ],
    ['runs, and its container exited', up, [exited], 'exited'],
    ['runs, and its container was never started', up, [made], 'exited'],
    ['runs, and its container is not there', up, [], 'vanished'],
    ['runs, and only another container of its own is there', up, [other], 'vanished'],
    ['runs, and another container is there beside its own', up, [other, running], null],
    ['is stopped, and its container runs', idle, [running], 'appeared'],
    ['is stopped, and its container exited', idle, [exited], null],
    ['is stopped, and its container was never started', idle, [made], null],
    ['is stopped, and its container is not there', idle, [], 'vanished'],
    ['failed, and its container runs', failed, [running], null],
    ['failed, and its container is not there', failed, [], 'vanished'],
    ['is stopped without a container, and there is none', at('stopped.idle', { containerId: null }), [], null],
    ['failed without a container, and there is one', at('failed', { containerId: null }), [running], null],
    ['is being made', at('creating.boot', { containerId: 'c1' }), [], null],
    ['is being stopped', at('running.stopping.halting', { containerId: 'c1' }), [], null],
    ['is being started', at('stopped.starting.boot', { containerId: 'c1' }), [exited], null],
    ['is being deleted', at('deleting.waiting', { containerId: 'c1' }), [], null],
  ] as const)('a workspace that %s', (_, snapshot, found, expected) => {
    expect(verdict(snapshot, found, 1)?.type ?? null).toBe(expected)
  })

  it('an exit is told with its code and whether it was for memory or with the engine', () => {
    const oom = own({ kind: 'exited', exit: { code: 137, outOfMemory: true, withEngine: false } })
    expect(verdict(up, [oom], 5)).toEqual({
      type: 'exited',
      at: 5,
      by: 'system:reconcile',
      containerId: 'c1',
      exit: { code: 137, outOfMemory: true, withEngine: false },
    })
  })
})
