import { describe, expect, test } from 'vitest'
import { chartOf, leavesOf } from '../../src/chart/chart.ts'
import type { Step, WorkspaceContext } from '../../src/machines/workspace-context.ts'
import { triesOf } from '../../src/machines/workspace-context.ts'
import type { Answer } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { statePath } from '../../src/machines/workspace-view.ts'
import type { EffectId, State } from './walk.ts'
import { answered, at, connection, not, now, step, success } from './walk.ts'

// What becomes of a workspace when an effect answers. Before it, one try has failed, or all but the last.
type Case = 'ok' | 'never' | 'later' | 'later, the last try' | 'away' | 'gone'
type Kept = Pick<WorkspaceContext, 'step' | 'tries' | 'containerId' | 'prepared'> & { retryAt: number }
type Row = readonly [effect: EffectId, at: Step, cases: Record<Case, readonly [State, Partial<Kept>]>]

const soon = { tries: 2, retryAt: now + 2000 }
const anew = { ...soon, step: 'image', containerId: null, prepared: false } as const
const engineBack = { tries: 1, retryAt: now + 15_000 }
const gaveUp = (tries: number) => ['failed', { tries }] as const

const making = (waiting: State, at: Step) =>
  ({
    never: gaveUp(2),
    later: [waiting, { ...soon, step: at }],
    'later, the last try': gaveUp(triesOf[at]),
    away: [waiting, { ...engineBack, step: at }],
    gone: ['creating.waiting', anew],
  }) as const
const up = ['running.up', {}] as const
const staysUp = (waiting: State) =>
  ({
    never: up,
    later: [waiting, soon],
    'later, the last try': up,
    away: [waiting, engineBack],
    gone: [waiting, soon],
  }) as const
const postponed = ['deleting.waiting', soon] as const

const table: Partial<Record<State, Row>> = {
  'creating.image': [
    'image',
    'image',
    { ...making('creating.waiting', 'image'), ok: ['creating.container', { step: 'container', tries: 1 }] },
  ],
  'creating.container': [
    'container',
    'container',
    { ...making('creating.waiting', 'container'), ok: ['creating.boot', { step: 'boot', containerId: 'c1' }] },
  ],
  'creating.boot': [
    'boot',
    'boot',
    { ...making('creating.waiting', 'boot'), ok: ['creating.setup', { step: 'setup' }] },
  ],
  'creating.setup': [
    'setup',
    'setup',
    {
      ...making('creating.waiting', 'setup'),
      ok: ['running.up', { tries: 0, prepared: true }],
      later: ['creating.waiting', { ...soon, step: 'boot' }],
      away: ['creating.waiting', { ...engineBack, step: 'boot' }],
    },
  ],
  'stopped.starting.boot': [
    'boot',
    'boot',
    { ...making('stopped.starting.waiting', 'boot'), ok: ['stopped.starting.setup', { step: 'setup' }] },
  ],
  'stopped.starting.setup': [
    'setup',
    'setup',
    {
      ...making('stopped.starting.waiting', 'setup'),
      ok: ['running.up', { tries: 0 }],
      later: ['stopped.starting.waiting', { ...soon, step: 'boot' }],
      away: ['stopped.starting.waiting', { ...engineBack, step: 'boot' }],
    },
  ],
  'running.stopping.halting': [
    'halt',
    'setup',
    { ...staysUp('running.stopping.waiting'), ok: ['stopped.idle', { tries: 0 }] },
  ],
  'running.restarting.halting': [
    'halt',
    'setup',
    {
      ...staysUp('running.restarting.waiting'),
      ok: ['stopped.starting.queued', { step: 'boot', tries: 0, containerId: 'c1', prepared: true }],
    },
  ],
  'deleting.destroying': [
    'destroy',
    'boot',
    {
      ok: ['deleted', {}],
      never: postponed,
      later: postponed,
      'later, the last try': ['deleting.waiting', { tries: 5, retryAt: now + 16_000 }],
      away: postponed,
      gone: postponed,
    },
  ],
}

const given = (effect: EffectId, name: Case): Answer<unknown> => {
  if (name === 'ok') return success[effect]
  return not(name === 'later, the last try' ? 'later' : name, `no luck with ${effect}`)
}

test('every state that waits for an effect is in the table', () => {
  const waiting = leavesOf(chartOf(workspaceMachine)).filter((it) => it.invokes.some(({ src }) => src !== 'alarm'))
  expect(Object.keys(table).sort()).toEqual(waiting.map((it) => it.id).sort())
})

describe.each(Object.entries(table))('in %s', (state, [effect, reached, cases]) => {
  test.each(Object.entries(cases))(`${effect} answers %s`, (name, [to, kept]) => {
    const before = at(state as State, {
      step: reached,
      tries: name === 'later, the last try' ? triesOf[reached] - 1 : 1,
      reason: 'an older trouble',
      connection: reached === 'setup' ? connection : null,
    })
    const answer = given(effect, name as Case)
    const after = step(before, answered(effect, answer))
    expect(statePath(after.value)).toBe(to)
    expect(after.context).toMatchObject(kept)
    expect(after.context.imageId).toBe('i1')
    if (!answer.ok) expect(after.context.reason).toContain(answer.fault.message)
    if (to === 'failed') {
      const tries = `after ${after.context.tries} tries`
      for (const part of [`step "${reached}"`, tries, 'Trying again']) expect(after.context.reason).toContain(part)
    }
    if (answer.ok) expect(after.context.reason).toBeNull()
  })
})

test('what a step found is kept', () => {
  const image = step(at('creating.image', { imageId: null }), answered('image', success.image))
  expect(image.context.imageId).toBe('i1')
  const container = step(at('creating.container', { containerId: null }), answered('container', success.container))
  expect(container.context.containerId).toBe('c1')
  const boot = step(at('creating.boot'), answered('boot', success.boot))
  expect(boot.context.connection).toEqual(connection)
})
