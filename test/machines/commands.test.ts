import { describe, expect, test } from 'vitest'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { statePath } from '../../src/machines/workspace-snapshot.ts'
import {
  effectDone,
  snapshotAt,
  connection,
  failedWith,
  now,
  timerFired,
  cause,
  nextSnapshot,
  successResults,
} from './transitions.ts'

// Commands, observations and expiry, across interruptions.

const inState = (snapshot: ReturnType<typeof snapshotAt>) => statePath(snapshot.value)
const steps = (from: ReturnType<typeof snapshotAt>, ...events: WorkspaceEvent[]) => events.reduce(nextSnapshot, from)
const up = snapshotAt('running.up', { connection, step: 'setup' })
const own = { ...cause, containerId: 'c1' }
const exit = { code: 137, outOfMemory: false, wentDownWithEngine: false }
const resume = { type: 'resume', ...cause } as const
const granted = { type: 'granted', ...cause } as const

describe('expiry', () => {
  const due = { type: 'expire', ...cause } as const

  test('a workspace expires at its expiry time and not before', () => {
    expect(snapshotAt('running.up', { expiresAt: now }).can(due)).toBe(true)
    expect(snapshotAt('running.up', { expiresAt: now + 1 }).can(due)).toBe(false)
  })

  test('a renewal wins over an expiry decided before it', () => {
    const renewed = nextSnapshot(snapshotAt('stopped.idle', { expiresAt: now }), {
      type: 'update',
      ...cause,
      ttlSeconds: 60,
    })
    expect(renewed.context.expiresAt).toBe(now + 60_000)
    expect(renewed.can(due)).toBe(false)
    expect(renewed.can({ ...due, at: now + 60_000 })).toBe(true)
  })

  test('a workspace whose TTL was removed never expires', () => {
    const withoutExpiry = nextSnapshot(snapshotAt('running.up', { expiresAt: now }), {
      type: 'update',
      ...cause,
      ttlSeconds: null,
    })
    expect(withoutExpiry.context).toMatchObject({ ttlSeconds: null, expiresAt: null })
    expect(withoutExpiry.can({ ...due, at: Number.MAX_SAFE_INTEGER })).toBe(false)
  })

  test('an update of other fields does not change the expiry', () => {
    const renamed = nextSnapshot(snapshotAt('failed', { expiresAt: now }), {
      type: 'update',
      ...cause,
      name: 'new',
      metadata: { a: 1 },
    })
    expect(renamed.context).toMatchObject({ name: 'new', metadata: { a: 1 }, expiresAt: now, ttlSeconds: 60 })
  })
})

describe('observations', () => {
  test.each(['running.up', 'stopped.idle', 'failed'] as const)(
    'in %s, an observation of another container is ignored',
    (state) => {
      for (const containerId of [null, 'other'])
        for (const event of [
          { type: 'exited', ...own, exit },
          { type: 'exited', ...own, exit: { ...exit, outOfMemory: true } },
          { type: 'exited', ...own, exit: { ...exit, wentDownWithEngine: true } },
          { type: 'vanished', ...own },
          { type: 'appeared', ...own, connection },
        ] as const)
          expect(snapshotAt(state, { containerId }).can(event)).toBe(false)
    },
  )

  test('a container that exits by itself leaves its workspace stopped, with the exit code in the reason', () => {
    const after = nextSnapshot(up, { type: 'exited', ...own, exit })
    expect(inState(after)).toBe('stopped.idle')
    expect(after.context.reason).toContain('137')
    expect(after.context.connection).toBeNull()
  })

  test('a container that runs out of memory fails its workspace, even if the engine went down too', () => {
    const after = nextSnapshot(up, {
      type: 'exited',
      ...own,
      exit: { ...exit, outOfMemory: true, wentDownWithEngine: true },
    })
    expect(inState(after)).toBe('failed')
    expect(after.context.reason).toContain('memory')
  })

  test('a workspace that went down with its engine is restarted in the same container', () => {
    const down = nextSnapshot(up, { type: 'exited', ...own, exit: { ...exit, wentDownWithEngine: true } })
    expect(inState(down)).toBe('stopped.starting.queued')
    expect(down.context).toMatchObject({ step: 'boot', attempts: 0, containerId: 'c1', connection: null })
    expect(down.context.deadline).toBeGreaterThan(now)
    const back = steps(
      down,
      granted,
      effectDone('boot', successResults.boot),
      effectDone('setup', successResults.setup),
    )
    expect(inState(back)).toBe('running.up')
    expect(back.context).toMatchObject({ reason: null, connection })
  })

  test('a vanished container is recreated on start, and its setup commands run again', () => {
    const vanished = nextSnapshot(up, { type: 'vanished', ...own })
    expect(vanished.context).toMatchObject({ containerId: null, prepared: false, connection: null })
    const started = nextSnapshot(vanished, { type: 'start', ...cause })
    expect([inState(started), started.context.step]).toEqual(['creating.queued', 'image'])
  })

  test('a failed workspace whose container vanished keeps its reason and is recreated on start', () => {
    const failed = nextSnapshot(snapshotAt('failed', { step: 'boot', reason: 'an earlier failure' }), {
      type: 'vanished',
      ...own,
    })
    expect(failed.context).toMatchObject({ containerId: null, reason: 'an earlier failure' })
    expect(nextSnapshot(failed, { type: 'start', ...cause }).context.step).toBe('image')
  })
})

describe('commands', () => {
  test('a stop interrupted by the end of the service is completed by the next one', () => {
    const stopping = steps(up, { type: 'stop', ...cause }, resume)
    expect(inState(stopping)).toBe('running.stopping.halting')
    expect(inState(nextSnapshot(stopping, effectDone('stop', successResults.stop)))).toBe('stopped.idle')
  })

  test('a restart interrupted by the end of the service ends with the workspace running', () => {
    const halted = steps(
      up,
      { type: 'restart', ...cause },
      resume,
      effectDone('stop', successResults.stop),
      resume,
      granted,
    )
    expect(inState(halted)).toBe('stopped.starting.boot')
    const back = steps(
      halted,
      effectDone('boot', successResults.boot),
      resume,
      granted,
      effectDone('boot', successResults.boot),
      effectDone('setup', successResults.setup),
    )
    expect(inState(back)).toBe('running.up')
  })

  test('a stop that fails leaves the workspace running and reachable, with a reason', () => {
    for (const end of [effectDone('stop', failedWith('permanent', 'no permission')), timerFired('deadline')]) {
      const after = steps(up, { type: 'stop', ...cause }, end)
      expect(inState(after)).toBe('running.up')
      expect(after.context.connection).toEqual(connection)
      expect(after.context.reason).toContain('still up')
    }
  })

  test('a stop while the engine is unavailable completes when the engine returns', () => {
    const waiting = steps(up, { type: 'stop', ...cause }, effectDone('stop', failedWith('unavailable', 'no engine')))
    expect(inState(waiting)).toBe('running.stopping.waiting')
    const done = steps(waiting, resume, effectDone('stop', successResults.stop))
    expect([inState(done), done.context.reason]).toEqual(['stopped.idle', null])
  })

  test('a failed stop of a starting workspace leaves it stopped, even though its container may still run', () => {
    for (const end of [effectDone('stop', failedWith('permanent', 'no permission')), timerFired('deadline')]) {
      const after = steps(snapshotAt('stopped.starting.queued', { step: 'boot' }), { type: 'stop', ...cause }, end)
      expect(inState(after)).toBe('stopped.idle')
      expect(after.context.reason).toContain('was starting')
      expect(inState(nextSnapshot(after, { type: 'appeared', ...own, connection }))).toBe('running.up')
    }
  })

  test('a start of a failed workspace reuses its container if there is one, with new attempts and a new deadline', () => {
    const spent = { attempts: 5, deadline: 0, reason: 'an earlier failure' }
    const start = { type: 'start', ...cause } as const
    const restarted = nextSnapshot(snapshotAt('failed', spent), start)
    expect(restarted.context).toMatchObject({ step: 'boot', attempts: 0, reason: null, containerId: 'c1' })
    expect(restarted.context.deadline).toBeGreaterThan(now)
    expect(nextSnapshot(snapshotAt('failed', { ...spent, containerId: null }), start).context.step).toBe('image')
  })

  test('a delete keeps the container id, which the removal needs', () => {
    expect(nextSnapshot(up, { type: 'delete', ...cause }).context).toMatchObject({
      containerId: 'c1',
      attempts: 0,
      connection: null,
    })
  })
})

describe('granted slots', () => {
  test.each(['image', 'container', 'boot'] as const)(
    'a granted slot continues at the step reached before: %s',
    (reached) => {
      expect(inState(nextSnapshot(snapshotAt('creating.queued', { step: reached }), granted))).toBe(
        `creating.${reached}`,
      )
    },
  )

  test('a granted slot after an interrupted setup repeats the boot, since the container may not run any more', () => {
    expect(inState(nextSnapshot(snapshotAt('creating.queued', { step: 'setup' }), granted))).toBe('creating.boot')
    expect(inState(nextSnapshot(snapshotAt('stopped.starting.queued', { step: 'setup' }), granted))).toBe(
      'stopped.starting.boot',
    )
  })
})

test('resuming after the deadline extends it by five minutes', () => {
  const after = nextSnapshot(snapshotAt('creating.boot', { deadline: now - 60_000 }), resume)
  expect(after.context.deadline).toBe(now + 5 * 60_000)
  const untouched = nextSnapshot(snapshotAt('creating.boot', { deadline: now + 20 * 60_000 }), resume)
  expect(untouched.context.deadline).toBe(now + 20 * 60_000)
})
