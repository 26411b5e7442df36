import { expect, test } from 'vitest'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-view.ts'
import { answered, at, connection, not, rang, said, step } from './walk.ts'

const own = { ...said, containerId: 'c1' }
const exit = { code: 1, outOfMemory: false, withEngine: false }
const up = at('running.up', { connection })
const stopping = at('running.stopping.halting', { connection, tries: 2 })
const unborn = at('running.stopping.halting', { tries: 2 })

const told: Readonly<Record<string, readonly [WorkspaceSnapshot, WorkspaceEvent]>> = {
  'no such image': [
    at('creating.image', { step: 'image' }),
    answered('image', not('never', 'there is no image "debian:none"')),
  ],
  'the registry does not answer': [
    at('creating.image', { step: 'image' }),
    answered('image', not('later', 'the registry did not answer')),
  ],
  'the registry has not answered for the last time': [
    at('creating.image', { step: 'image', tries: 2 }),
    answered('image', not('later', 'the registry did not answer')),
  ],
  'a command of the template fails': [
    at('creating.setup', { step: 'setup' }),
    answered('setup', not('never', 'postCreateCommand ended with exit code 2:\nmake: no rule\n')),
  ],
  'no success in time': [at('creating.queued', { step: 'image' }), rang('deadline')],
  'no success in time, after trouble': [
    at('creating.waiting', { step: 'boot', tries: 1, reason: 'the engine is away' }),
    rang('deadline'),
  ],
  'a stop finds the engine away': [stopping, answered('halt', not('away', 'the engine cannot be reached'))],
  'a stop fails': [stopping, answered('halt', not('later', 'the engine answered 500'))],
  'a stop takes too long': [stopping, rang('deadline')],
  'a stop of a start fails': [unborn, answered('halt', not('later', 'the engine answered 500'))],
  'a stop of a start takes too long': [unborn, rang('deadline')],
  'it exits by itself': [up, { type: 'exited', ...own, exit }],
  'it exits unseen': [up, { type: 'exited', ...own, exit: { ...exit, code: null } }],
  'it runs out of memory': [up, { type: 'exited', ...own, exit: { ...exit, code: 137, outOfMemory: true } }],
  'it goes down with its engine': [up, { type: 'exited', ...own, exit: { ...exit, withEngine: true } }],
  'its container vanishes': [up, { type: 'vanished', ...own }],
  'a removal fails': [at('deleting.destroying'), answered('destroy', not('later', 'the engine answered 500'))],
}

test('reasons read as they are written down', async () => {
  const lines = Object.entries(told).map(([name, [from, event]]) => `${name}:\n  ${step(from, event).context.reason}\n`)
  await expect(lines.join('\n')).toMatchFileSnapshot('reasons.txt')
})
