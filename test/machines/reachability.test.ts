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

/** The ways to those for which `holds` is not true: empty when it holds everywhere. */
function exceptions(of: readonly ReachableState[], holds: (reached: ReachableState) => boolean) {
  expect(of.length).toBeGreaterThan(0)
  return of
    .filter((reached) => !holds(reached))
    .map((reached) => `${reached.steps.map(({ event }) => event.type).join(' → ')} ⇒ ${statePathOf(reached)}`)
}

test('every state of the chart can be reached', () => {
  expect([...new Set(reachable.map(statePathOf))].sort()).toEqual(leaves.toSorted())
})

test('a delete is accepted everywhere and gets to `deleted`, however often the removal fails', () => {
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

test('every state on its way to another has a deadline that ends where a user can give a command', () => {
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

test('what is under way shows in the tag, and nothing is under way in a state at rest', () => {
  expect(exceptions(reachable, ({ snapshot }) => invokesIn(snapshot).length === 0 || snapshot.hasTag('busy'))).toEqual(
    [],
  )
})

test('a resume starts everything that the state has under way, and keeps what was reached', () => {
  expect(exceptions(busy, ({ snapshot }) => snapshot.can({ type: 'resume', ...cause }))).toEqual([])
  for (const { snapshot } of busy) {
    const [after, actions] = transition(workspaceMachine, snapshot, { type: 'resume', ...cause })
    const begun = actions.flatMap((action) =>
      action.type === 'xstate.spawnChild' ? [String(Object(action.params).id)] : [],
    )
    expect(begun.sort()).toEqual(
      invokesIn(after)
        .map((invoke) => invoke.id)
        .sort(),
    )
    expect(after.value).toEqual(nextSnapshot(after, { type: 'resume', ...cause }).value)
    const { step: before, attempts, containerId, imageId, prepared } = snapshot.context
    const reached = before === 'setup' && !snapshot.matches('deleting') ? 'boot' : before
    expect(after.context).toMatchObject({
      step: reached,
      attempts: attempts,
      containerId,
      imageId,
      prepared,
      progress: null,
    })
    expect(after.context.deadline).toBeGreaterThanOrEqual(snapshot.context.deadline)
    expect(statesIn(after).at(-1)).toEqual(statesIn(snapshot).at(-1))
  }
})

test('what a workspace remembers is plain JSON', () => {
  for (const { snapshot } of reachable) expect(JSON.parse(JSON.stringify(snapshot.context))).toEqual(snapshot.context)
})

test('a workspace that runs has a container, and one that is prepared too', () => {
  const running = reachable.filter(
    (reached) => statePathOf(reached).startsWith('running') || reached.snapshot.context.prepared,
  )
  expect(exceptions(running, ({ snapshot }) => snapshot.context.containerId !== null)).toEqual([])
})

test('a workspace that is up tells how to reach it', () => {
  const up = reachable.filter((reached) => statePathOf(reached) === 'running.up')
  expect(exceptions(up, ({ snapshot }) => snapshot.context.connection !== null)).toEqual([])
})

test('a workspace that rests without running, or is being deleted, tells no way to reach it', () => {
  const down = reachable.filter((reached) => /^(stopped\.idle|failed|delet)/.test(statePathOf(reached)))
  expect(exceptions(down, ({ snapshot }) => snapshot.context.connection === null)).toEqual([])
})

test('a workspace that failed or waits says why', () => {
  const troubled = reachable.filter((reached) => /failed|waiting/.test(statePathOf(reached)))
  expect(exceptions(troubled, ({ snapshot }) => snapshot.context.reason !== null)).toEqual([])
})

test('progress is told only while something is made or started', () => {
  const quiet = reachable.filter((reached) => !/^(creating|stopped\.starting)/.test(statePathOf(reached)))
  expect(exceptions(quiet, ({ snapshot }) => snapshot.context.progress === null)).toEqual([])
})

test('a provisioning step is tried as often as it may be, and no more', () => {
  const made = reachable.filter((reached) => !inDeleting(reached) && reached.snapshot.status === 'active')
  expect(
    exceptions(made, ({ snapshot: { context } }) => context.attempts <= Math.max(...Object.values(maxAttempts))),
  ).toEqual([])
})

test('a workspace that runs has no tries left over', () => {
  const running = reachable.filter((reached) => statePathOf(reached) === 'running.up')
  expect(exceptions(running, ({ snapshot }) => snapshot.context.attempts === 0)).toEqual([])
})
