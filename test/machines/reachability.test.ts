import { expect, test } from 'vitest'
import { transition } from 'xstate'
import { chartOf, leavesOf } from '../../src/chart/chart.ts'
import { maxAttempts } from '../../src/machines/workspace-context.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { availableCommands, statePath } from '../../src/machines/workspace-snapshot.ts'
import type { ReachableState } from './reachable-states.ts'
import { reachableStates, statesIn, invokesIn } from './reachable-states.ts'
import { effectDone, failedWith, timerFired, cause, nextSnapshot, successResults } from './transitions.ts'

const reachable = reachableStates()
const leaves = leavesOf(chartOf(workspaceMachine)).map((leaf) => leaf.id)
const statePathOf = ({ snapshot }: ReachableState) => statePath(snapshot.value)
const busy = reachable.filter(({ snapshot }) => snapshot.hasTag('busy'))
const inDeleting = (reached: ReachableState) => statePathOf(reached).startsWith('deleting')

/** Returns the paths to the states for which `holds` returns false; empty if there are none. */
function exceptions(of: readonly ReachableState[], holds: (reached: ReachableState) => boolean) {
  expect(of.length).toBeGreaterThan(0)
  return of
    .filter((reached) => !holds(reached))
    .map((reached) => `${reached.steps.map(({ event }) => event.type).join(' → ')} ⇒ ${statePathOf(reached)}`)
}

test('every state of the chart is reachable', () => {
  expect([...new Set(reachable.map(statePathOf))].sort()).toEqual(leaves.toSorted())
})

test('a delete is accepted in every state and reaches `deleted`, however often the removal fails', () => {
  const living = reachable.filter((reached) => !inDeleting(reached) && reached.snapshot.status === 'active')
  expect(exceptions(living, ({ snapshot }) => snapshot.can({ type: 'delete', ...cause }))).toEqual([])
  for (const { snapshot } of living) {
    let current = nextSnapshot(snapshot, { type: 'delete', ...cause })
    for (let n = 1; n <= 3; n++) {
      current = nextSnapshot(current, effectDone('remove', failedWith('unavailable')))
      expect([statePath(current.value), current.context.attempts]).toEqual(['deleting.waiting', n])
      current = nextSnapshot(current, timerFired('pause'))
    }
    current = nextSnapshot(current, effectDone('remove', successResults.remove))
    expect([statePath(current.value), current.status]).toEqual(['deleted', 'done'])
  }
})

test('every transient state has a deadline that leads to a state with commands', () => {
  const limited = busy.filter((reached) => !inDeleting(reached))
  expect(exceptions(limited, ({ snapshot }) => invokesIn(snapshot).some((invoke) => invoke.id === 'deadline'))).toEqual(
    [],
  )
  for (const { snapshot } of limited) {
    const after = nextSnapshot(snapshot, timerFired('deadline'))
    expect(after.hasTag('busy')).toBe(false)
    expect(availableCommands(after)).toContain('delete')
    expect(availableCommands(after).some((command) => command === 'start' || command === 'stop')).toBe(true)
    expect(after.context.reason).not.toBeNull()
  }
})

test('only states tagged `busy` have running effects or timers', () => {
  expect(exceptions(reachable, ({ snapshot }) => invokesIn(snapshot).length === 0 || snapshot.hasTag('busy'))).toEqual(
    [],
  )
})

test('a resume restarts all effects and timers of the state and keeps the progress made', () => {
  expect(exceptions(busy, ({ snapshot }) => snapshot.can({ type: 'resume', ...cause }))).toEqual([])
  for (const { snapshot } of busy) {
    const [after, actions] = transition(workspaceMachine, snapshot, { type: 'resume', ...cause })
    const startedInvokes = actions.flatMap((action) =>
      action.type === 'xstate.spawnChild' ? [String(Object(action.params).id)] : [],
    )
    expect(startedInvokes.sort()).toEqual(
      invokesIn(after)
        .map((invoke) => invoke.id)
        .sort(),
    )
    expect(after.value).toEqual(nextSnapshot(after, { type: 'resume', ...cause }).value)
    const { step: before, attempts, containerId, imageId, prepared } = snapshot.context
    const reached = before === 'setup' && !snapshot.matches('deleting') ? 'boot' : before
    expect(after.context).toMatchObject({
      step: reached,
      attempts,
      containerId,
      imageId,
      prepared,
      progress: null,
    })
    expect(after.context.deadline).toBeGreaterThanOrEqual(snapshot.context.deadline)
    expect(statesIn(after).at(-1)).toEqual(statesIn(snapshot).at(-1))
  }
})

test('the context of a workspace is plain JSON', () => {
  for (const { snapshot } of reachable) expect(JSON.parse(JSON.stringify(snapshot.context))).toEqual(snapshot.context)
})

test('a running or prepared workspace has a container', () => {
  const running = reachable.filter(
    (reached) => statePathOf(reached).startsWith('running') || reached.snapshot.context.prepared,
  )
  expect(exceptions(running, ({ snapshot }) => snapshot.context.containerId !== null)).toEqual([])
})

test('a running workspace has a connection', () => {
  const up = reachable.filter((reached) => statePathOf(reached) === 'running.up')
  expect(exceptions(up, ({ snapshot }) => snapshot.context.connection !== null)).toEqual([])
})

test('a stopped, failed or deleting workspace has no connection', () => {
  const down = reachable.filter((reached) => /^(stopped\.idle|failed|delet)/.test(statePathOf(reached)))
  expect(exceptions(down, ({ snapshot }) => snapshot.context.connection === null)).toEqual([])
})

test('a failed or waiting workspace has a reason', () => {
  const failedOrWaiting = reachable.filter((reached) => /failed|waiting/.test(statePathOf(reached)))
  expect(exceptions(failedOrWaiting, ({ snapshot }) => snapshot.context.reason !== null)).toEqual([])
})

test('progress is set only while a workspace is created or started', () => {
  const others = reachable.filter((reached) => !/^(creating|stopped\.starting)/.test(statePathOf(reached)))
  expect(exceptions(others, ({ snapshot }) => snapshot.context.progress === null)).toEqual([])
})

test('a provisioning step never exceeds its maximum number of attempts', () => {
  const undeleted = reachable.filter((reached) => !inDeleting(reached) && reached.snapshot.status === 'active')
  expect(
    exceptions(undeleted, ({ snapshot: { context } }) => context.attempts <= Math.max(...Object.values(maxAttempts))),
  ).toEqual([])
})

test('a running workspace has its attempts reset', () => {
  const running = reachable.filter((reached) => statePathOf(reached) === 'running.up')
  expect(exceptions(running, ({ snapshot }) => snapshot.context.attempts === 0)).toEqual([])
})
