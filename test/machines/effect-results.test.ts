import { describe, expect, test } from 'vitest'
import { chartOf, leavesOf } from '../../src/chart/chart.ts'
import type { ProvisioningStep, WorkspaceContext } from '../../src/machines/workspace-context.ts'
import { maxAttempts } from '../../src/machines/workspace-context.ts'
import type { EffectResult } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { statePath } from '../../src/machines/workspace-snapshot.ts'
import type { EffectId, State } from './transitions.ts'
import { effectDone, snapshotAt, connection, failedWith, now, nextSnapshot, successResults } from './transitions.ts'

// The state after each result of an effect. Before it, one attempt has failed, or all but the last.
type ResultCase = 'ok' | 'permanent' | 'transient' | 'transient, the last attempt' | 'unavailable' | 'missing'
type ExpectedContext = Pick<WorkspaceContext, 'step' | 'attempts' | 'containerId' | 'prepared'> & { retryAt: number }
type Row = readonly [
  effect: EffectId,
  at: ProvisioningStep,
  cases: Record<ResultCase, readonly [State, Partial<ExpectedContext>]>,
]

const retryLater = { attempts: 2, retryAt: now + 2000 }
const retryNow = { ...retryLater, step: 'image', containerId: null, prepared: false } as const
const retryWhenEngineReturns = { attempts: 1, retryAt: now + 15_000 }
const attemptsExhausted = (attempts: number) => ['failed', { attempts }] as const

const provisioning = (waiting: State, at: ProvisioningStep) =>
  ({
    permanent: attemptsExhausted(2),
    transient: [waiting, { ...retryLater, step: at }],
    'transient, the last attempt': attemptsExhausted(maxAttempts[at]),
    unavailable: [waiting, { ...retryWhenEngineReturns, step: at }],
    missing: ['creating.waiting', retryNow],
  }) as const
const up = ['running.up', {}] as const
const staysUp = (waiting: State) =>
  ({
    permanent: up,
    transient: [waiting, retryLater],
    'transient, the last attempt': up,
    unavailable: [waiting, retryWhenEngineReturns],
    missing: [waiting, retryLater],
  }) as const
const postponed = ['deleting.waiting', retryLater] as const

const table: Partial<Record<State, Row>> = {
  'creating.image': [
    'image',
    'image',
    { ...provisioning('creating.waiting', 'image'), ok: ['creating.container', { step: 'container', attempts: 1 }] },
  ],
  'creating.container': [
    'container',
    'container',
    { ...provisioning('creating.waiting', 'container'), ok: ['creating.boot', { step: 'boot', containerId: 'c1' }] },
  ],
  'creating.boot': [
    'boot',
    'boot',
    { ...provisioning('creating.waiting', 'boot'), ok: ['creating.setup', { step: 'setup' }] },
  ],
  'creating.setup': [
    'setup',
    'setup',
    {
      ...provisioning('creating.waiting', 'setup'),
      ok: ['running.up', { attempts: 0, prepared: true }],
      transient: ['creating.waiting', { ...retryLater, step: 'boot' }],
      unavailable: ['creating.waiting', { ...retryWhenEngineReturns, step: 'boot' }],
    },
  ],
  'stopped.starting.boot': [
    'boot',
    'boot',
    { ...provisioning('stopped.starting.waiting', 'boot'), ok: ['stopped.starting.setup', { step: 'setup' }] },
  ],
  'stopped.starting.setup': [
    'setup',
    'setup',
    {
      ...provisioning('stopped.starting.waiting', 'setup'),
      ok: ['running.up', { attempts: 0 }],
      transient: ['stopped.starting.waiting', { ...retryLater, step: 'boot' }],
      unavailable: ['stopped.starting.waiting', { ...retryWhenEngineReturns, step: 'boot' }],
    },
  ],
  'running.stopping.halting': [
    'stop',
    'setup',
    { ...staysUp('running.stopping.waiting'), ok: ['stopped.idle', { attempts: 0 }] },
  ],
  'running.restarting.halting': [
    'stop',
    'setup',
    {
      ...staysUp('running.restarting.waiting'),
      ok: ['stopped.starting.queued', { step: 'boot', attempts: 0, containerId: 'c1', prepared: true }],
    },
  ],
  'deleting.destroying': [
    'remove',
    'boot',
    {
      ok: ['deleted', {}],
      permanent: postponed,
      transient: postponed,
      'transient, the last attempt': ['deleting.waiting', { attempts: 5, retryAt: now + 16_000 }],
      unavailable: postponed,
      missing: postponed,
    },
  ],
}

const resultOf = (effect: EffectId, name: ResultCase): EffectResult<unknown> => {
  if (name === 'ok') return successResults[effect]
  return failedWith(name === 'transient, the last attempt' ? 'transient' : name, `failure of ${effect}`)
}

test('every state that invokes an effect is in the table', () => {
  const waiting = leavesOf(chartOf(workspaceMachine)).filter((leaf) => leaf.invokes.some(({ src }) => src !== 'timer'))
  expect(Object.keys(table).sort()).toEqual(waiting.map((leaf) => leaf.id).sort())
})

describe.each(Object.entries(table))('in %s', (state, [effect, stateReachedBy, cases]) => {
  test.each(Object.entries(cases))(`${effect} returns %s`, (name, [to, expectedContext]) => {
    const before = snapshotAt(state as State, {
      step: stateReachedBy,
      attempts: name === 'transient, the last attempt' ? maxAttempts[stateReachedBy] - 1 : 1,
      reason: 'an earlier failure',
      connection: stateReachedBy === 'setup' ? connection : null,
    })
    const result = resultOf(effect, name as ResultCase)
    const after = nextSnapshot(before, effectDone(effect, result))
    expect(statePath(after.value)).toBe(to)
    expect(after.context).toMatchObject(expectedContext)
    expect(after.context.imageId).toBe('i1')
    if (!result.ok) expect(after.context.reason).toContain(result.fault.message)
    if (to === 'failed') {
      const attempts = `after ${after.context.attempts} attempts`
      for (const part of [`step "${stateReachedBy}"`, attempts, 'Trying again'])
        expect(after.context.reason).toContain(part)
    }
    if (result.ok) expect(after.context.reason).toBeNull()
  })
})

test('the results of steps are stored in the context', () => {
  const image = nextSnapshot(snapshotAt('creating.image', { imageId: null }), effectDone('image', successResults.image))
  expect(image.context.imageId).toBe('i1')
  const container = nextSnapshot(
    snapshotAt('creating.container', { containerId: null }),
    effectDone('container', successResults.container),
  )
  expect(container.context.containerId).toBe('c1')
  const boot = nextSnapshot(snapshotAt('creating.boot'), effectDone('boot', successResults.boot))
  expect(boot.context.connection).toEqual(connection)
})
