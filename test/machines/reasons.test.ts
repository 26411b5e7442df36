import { expect, test } from 'vitest'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-snapshot.ts'
import { effectDone, snapshotAt, connection, failedWith, timerFired, cause, nextSnapshot } from './transitions.ts'

const own = { ...cause, containerId: 'c1' }
const exit = { code: 1, outOfMemory: false, wentDownWithEngine: false }
const up = snapshotAt('running.up', { connection })
const stopping = snapshotAt('running.stopping.halting', { connection, attempts: 2 })
const notCreated = snapshotAt('running.stopping.halting', { attempts: 2 })

const cases: Readonly<Record<string, readonly [WorkspaceSnapshot, WorkspaceEvent]>> = {
  'no such image': [
    snapshotAt('creating.image', { step: 'image' }),
    effectDone('image', failedWith('permanent', 'there is no image "debian:none"')),
  ],
  'the registry does not answer': [
    snapshotAt('creating.image', { step: 'image' }),
    effectDone('image', failedWith('transient', 'the registry did not answer')),
  ],
  'the registry has not answered for the last time': [
    snapshotAt('creating.image', { step: 'image', attempts: 2 }),
    effectDone('image', failedWith('transient', 'the registry did not answer')),
  ],
  'a command of the template fails': [
    snapshotAt('creating.setup', { step: 'setup' }),
    effectDone('setup', failedWith('permanent', 'postCreateCommand ended with exit code 2:\nmake: no rule\n')),
  ],
  'no success in time': [snapshotAt('creating.queued', { step: 'image' }), timerFired('deadline')],
  'no success in time, after trouble': [
    snapshotAt('creating.waiting', { step: 'boot', attempts: 1, reason: 'the engine is away' }),
    timerFired('deadline'),
  ],
  'a stop finds the engine away': [
    stopping,
    effectDone('stop', failedWith('unavailable', 'the engine cannot be reached')),
  ],
  'a stop fails': [stopping, effectDone('stop', failedWith('transient', 'the engine answered 500'))],
  'a stop takes too long': [stopping, timerFired('deadline')],
  'a stop of a start fails': [notCreated, effectDone('stop', failedWith('transient', 'the engine answered 500'))],
  'a stop of a start takes too long': [notCreated, timerFired('deadline')],
  'it exits by itself': [up, { type: 'exited', ...own, exit }],
  'it exits unseen': [up, { type: 'exited', ...own, exit: { ...exit, code: null } }],
  'it runs out of memory': [up, { type: 'exited', ...own, exit: { ...exit, code: 137, outOfMemory: true } }],
  'it goes down with its engine': [up, { type: 'exited', ...own, exit: { ...exit, wentDownWithEngine: true } }],
  'its container vanishes': [up, { type: 'vanished', ...own }],
  'a removal fails': [
    snapshotAt('deleting.destroying'),
    effectDone('remove', failedWith('transient', 'the engine answered 500')),
  ],
}

test('reasons match the recorded texts', async () => {
  const lines = Object.entries(cases).map(
    ([name, [from, event]]) => `${name}:\n  ${nextSnapshot(from, event).context.reason}\n`,
  )
  await expect(lines.join('\n')).toMatchFileSnapshot('reasons.txt')
})
