import { describe, expect, it } from 'vitest'
import { detectDrift } from '../../../src/supervisor/reconcile.ts'
import type { ContainerExit, ContainerRecord } from '../../../src/workspace/container.ts'
import { snapshotAt, connection, newContext } from '../../machines/transitions.ts'

const exit: ContainerExit = { code: 137, outOfMemory: false, wentDownWithEngine: false }
const recordIn = (state: ContainerRecord['state']): ContainerRecord => ({
  workspaceId: newContext.id,
  containerId: 'c1',
  state,
})
const running = recordIn({ kind: 'running', connection })
const exited = recordIn({ kind: 'exited', exit })
const created = recordIn({ kind: 'created' })
const other: ContainerRecord = { ...running, containerId: 'c2' }

const runningSnapshot = snapshotAt('running.up', { containerId: 'c1', connection })
const stoppedSnapshot = snapshotAt('stopped.idle', { containerId: 'c1' })
const failed = snapshotAt('failed', { containerId: 'c1' })

describe('law 8: what an inventory means for a settled workspace', () => {
  it.each([
    ['runs, and its container runs', runningSnapshot, [running], null],
    [
      'runs, and the connection of its container has changed',
      runningSnapshot,
      [recordIn({ kind: 'running', connection: { container_id: 'x' } })],
      'appeared',
    ],
    ['runs, and its container exited', runningSnapshot, [exited], 'exited'],
    ['runs, and its container was never started', runningSnapshot, [created], 'exited'],
    ['runs, and its container does not exist', runningSnapshot, [], 'vanished'],
    ['runs, and only another container with its id exists', runningSnapshot, [other], 'vanished'],
    ['runs, and another container with its id exists alongside its own', runningSnapshot, [other, running], null],
    ['is stopped, and its container runs', stoppedSnapshot, [running], 'appeared'],
    ['is stopped, and its container exited', stoppedSnapshot, [exited], null],
    ['is stopped, and its container was never started', stoppedSnapshot, [created], null],
    ['is stopped, and its container does not exist', stoppedSnapshot, [], 'vanished'],
    ['failed, and its container runs', failed, [running], null],
    ['failed, and its container does not exist', failed, [], 'vanished'],
    ['is stopped without a container, and none exists', snapshotAt('stopped.idle', { containerId: null }), [], null],
    ['failed without a container, and one exists', snapshotAt('failed', { containerId: null }), [running], null],
    ['is being created', snapshotAt('creating.boot', { containerId: 'c1' }), [], null],
    ['is being stopped', snapshotAt('running.stopping.halting', { containerId: 'c1' }), [], null],
    ['is being started', snapshotAt('stopped.starting.boot', { containerId: 'c1' }), [exited], null],
    ['is being deleted', snapshotAt('deleting.waiting', { containerId: 'c1' }), [], null],
  ] as const)('a workspace that %s', (_, snapshot, found, expected) => {
    expect(detectDrift(snapshot, found, 1)?.type ?? null).toBe(expected)
  })

  it('an exit carries its code and whether the container ran out of memory or went down with the engine', () => {
    const oom = recordIn({ kind: 'exited', exit: { code: 137, outOfMemory: true, wentDownWithEngine: false } })
    expect(detectDrift(runningSnapshot, [oom], 5)).toEqual({
      type: 'exited',
      at: 5,
      by: 'system:reconcile',
      containerId: 'c1',
      exit: { code: 137, outOfMemory: true, wentDownWithEngine: false },
    })
  })
})
