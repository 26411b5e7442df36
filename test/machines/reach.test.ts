import { expect, test } from 'vitest'
import { transition } from 'xstate'
import { chartOf, leavesOf } from '../../src/chart/chart.ts'
import { triesOf } from '../../src/machines/workspace-context.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { commandsIn, statePath } from '../../src/machines/workspace-view.ts'
import type { Reached } from './reach.ts'
import { reachable, statesIn, underWay } from './reach.ts'
import { answered, not, rang, said, step, success } from './walk.ts'

const everywhere = reachable()
const leaves = leavesOf(chartOf(workspaceMachine)).map((it) => it.id)
const pathOf = ({ snapshot }: Reached) => statePath(snapshot.value)
const busy = everywhere.filter(({ snapshot }) => snapshot.hasTag('busy'))
const inDeleting = (it: Reached) => pathOf(it).startsWith('deleting')

/** The ways to those for which `holds` is not true: empty when it holds everywhere. */
function exceptions(of: readonly Reached[], holds: (it: Reached) => boolean) {
  expect(of.length).toBeGreaterThan(0)
  return of
    .filter((it) => !holds(it))
    .map((it) => `${it.steps.map(({ event }) => event.type).join(' → ')} ⇒ ${pathOf(it)}`)
}

test('every state of the chart can be reached', () => {
  expect([...new Set(everywhere.map(pathOf))].sort()).toEqual(leaves.toSorted())
})

test('a delete is accepted everywhere and gets to `deleted`, however often the removal fails', () => {
  const living = everywhere.filter((it) => !inDeleting(it) && it.snapshot.status === 'active')
  expect(exceptions(living, ({ snapshot }) => snapshot.can({ type: 'delete', ...said }))).toEqual([])
  for (const { snapshot } of living) {
    let it = step(snapshot, { type: 'delete', ...said })
    for (let n = 1; n <= 3; n++) {
      it = step(it, answered('destroy', not('away')))
      expect([statePath(it.value), it.context.tries]).toEqual(['deleting.waiting', n])
      it = step(it, rang('pause'))
    }
    it = step(it, answered('destroy', success.destroy))
    expect([statePath(it.value), it.status]).toEqual(['deleted', 'done'])
  }
})

test('every state on its way to another has a deadline that ends where a user can give a command', () => {
  const limited = busy.filter((it) => !inDeleting(it))
  expect(exceptions(limited, ({ snapshot }) => underWay(snapshot).some((it) => it.id === 'deadline'))).toEqual([])
  for (const { snapshot } of limited) {
    const after = step(snapshot, rang('deadline'))
    expect(after.hasTag('busy')).toBe(false)
    expect(commandsIn(after)).toContain('delete')
    expect(commandsIn(after).some((it) => it === 'start' || it === 'stop')).toBe(true)
    expect(after.context.reason).not.toBeNull()
  }
})

test('what is under way shows in the tag, and nothing is under way in a state at rest', () => {
  expect(exceptions(everywhere, ({ snapshot }) => underWay(snapshot).length === 0 || snapshot.hasTag('busy'))).toEqual(
    [],
  )
})

test('a resume starts everything that the state has under way, and keeps what was reached', () => {
  expect(exceptions(busy, ({ snapshot }) => snapshot.can({ type: 'resume', ...said }))).toEqual([])
  for (const { snapshot } of busy) {
    const [after, actions] = transition(workspaceMachine, snapshot, { type: 'resume', ...said })
    const begun = actions.flatMap((it) => (it.type === 'xstate.spawnChild' ? [String(Object(it.params).id)] : []))
    expect(begun.sort()).toEqual(
      underWay(after)
        .map((it) => it.id)
        .sort(),
    )
    expect(after.value).toEqual(step(after, { type: 'resume', ...said }).value)
    const { step: before, tries, containerId, imageId, prepared } = snapshot.context
    const reached = before === 'setup' && !snapshot.matches('deleting') ? 'boot' : before
    expect(after.context).toMatchObject({ step: reached, tries, containerId, imageId, prepared, progress: null })
    expect(after.context.deadline).toBeGreaterThanOrEqual(snapshot.context.deadline)
    expect(statesIn(after).at(-1)).toEqual(statesIn(snapshot).at(-1))
  }
})

test('what a workspace remembers is plain JSON', () => {
  for (const { snapshot } of everywhere) expect(JSON.parse(JSON.stringify(snapshot.context))).toEqual(snapshot.context)
})

test('a workspace that runs has a container, and one that is prepared too', () => {
  const running = everywhere.filter((it) => pathOf(it).startsWith('running') || it.snapshot.context.prepared)
  expect(exceptions(running, ({ snapshot }) => snapshot.context.containerId !== null)).toEqual([])
})

test('a workspace that is up tells how to reach it', () => {
  const up = everywhere.filter((it) => pathOf(it) === 'running.up')
  expect(exceptions(up, ({ snapshot }) => snapshot.context.connection !== null)).toEqual([])
})

test('a workspace that rests without running, or is being deleted, tells no way to reach it', () => {
  const down = everywhere.filter((it) => /^(stopped\.idle|failed|delet)/.test(pathOf(it)))
  expect(exceptions(down, ({ snapshot }) => snapshot.context.connection === null)).toEqual([])
})

test('a workspace that failed or waits says why', () => {
  const troubled = everywhere.filter((it) => /failed|waiting/.test(pathOf(it)))
  expect(exceptions(troubled, ({ snapshot }) => snapshot.context.reason !== null)).toEqual([])
})

test('progress is told only while something is made or started', () => {
  const quiet = everywhere.filter((it) => !/^(creating|stopped\.starting)/.test(pathOf(it)))
  expect(exceptions(quiet, ({ snapshot }) => snapshot.context.progress === null)).toEqual([])
})

test('a provisioning step is tried as often as it may be, and no more', () => {
  const made = everywhere.filter((it) => !inDeleting(it) && it.snapshot.status === 'active')
  expect(exceptions(made, ({ snapshot: { context } }) => context.tries <= Math.max(...Object.values(triesOf)))).toEqual(
    [],
  )
})

test('a workspace that runs has no tries left over', () => {
  const running = everywhere.filter((it) => pathOf(it) === 'running.up')
  expect(exceptions(running, ({ snapshot }) => snapshot.context.tries === 0)).toEqual([])
})
