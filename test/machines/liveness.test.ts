import { describe, expect, test } from 'vitest'
import type { DirectedGraphNode } from 'xstate/graph'
import { toDirectedGraph } from 'xstate/graph'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-snapshot.ts'
import { availableCommands, statePath } from '../../src/machines/workspace-snapshot.ts'
import { reachableEdges, stateKey, reachableStates, invokesIn } from './reachable-states.ts'
import type { EffectId } from './transitions.ts'
import { effectDone, failedWith, timerFired, cause, nextSnapshot } from './transitions.ts'

// Law 5 over the whole graph: transient states settle by themselves, and settled states are left by a command.

const everywhere = reachableStates().map(({ snapshot }) => snapshot)
const steps = reachableEdges()
const isSettled = (snapshot: WorkspaceSnapshot) => snapshot.status === 'active' && !snapshot.hasTag('busy')
const statePathsOf = (of: readonly WorkspaceSnapshot[]) => [...new Set(of.map(({ value }) => statePath(value)))]
const isEnd = (type: string) => type.startsWith('xstate.done.actor.')

const nodesIn = (node: DirectedGraphNode): DirectedGraphNode[] => [node, ...node.children.flatMap(nodesIn)]
const nodes = nodesIn(toDirectedGraph(workspaceMachine))

test('a settled workspace accepts a start or a stop that changes its state', () => {
  const settled = everywhere.filter(isSettled)
  const stuck = settled.filter((snapshot) => {
    const out = availableCommands(snapshot).filter((type) => type === 'start' || type === 'stop')
    return !out.some(
      (type) => statePath(nextSnapshot(snapshot, { type, ...cause }).value) !== statePath(snapshot.value),
    )
  })
  expect(settled.length).toBeGreaterThan(0)
  expect(statePathsOf(stuck)).toEqual([])
})

describe('transient states', () => {
  test('a transient state is left on every result of its effect and when any wait ends', () => {
    const ends = steps.filter(({ event }) => isEnd(event.type))
    expect(ends.length).toBeGreaterThan(0)
    const ignored = ends.filter(({ state, nextState }) => stateKey(state) === stateKey(nextState))
    expect(ignored.map(({ state, event }) => `${statePath(state.value)}: ${event.type}`)).toEqual([])
  })

  test('a transient state has an unguarded transition for the result of its effect', () => {
    const invokes = nodes.flatMap((node) => node.stateNode.invoke.map(({ id }) => ({ node, id })))
    expect(invokes.length).toBeGreaterThan(0)
    const open = invokes.filter(({ node, id }) => {
      const last = node.edges.findLast(({ transition }) => transition.eventType === `xstate.done.actor.${id}`)
      return last === undefined || last.transition.guard !== undefined
    })
    expect(open.map(({ node, id }) => `${node.stateNode.id}: ${id}`)).toEqual([])
  })

  test('a transient state settles or ends without any command', () => {
    const automaticEvents = steps.filter(({ event }) => isEnd(event.type) || event.type === 'granted')
    const settling = new Set(
      everywhere.filter((snapshot) => isSettled(snapshot) || snapshot.status === 'done').map(stateKey),
    )
    for (let before = -1; before !== settling.size; ) {
      before = settling.size
      for (const { state, nextState } of automaticEvents)
        if (settling.has(stateKey(nextState))) settling.add(stateKey(state))
    }
    // The traversal stops at six attempts; deletes with more are tested in reachability.test.ts.
    const visited = everywhere.filter(({ context }) => context.attempts <= 6)
    expect(statePathsOf(visited.filter((snapshot) => !settling.has(stateKey(snapshot))))).toEqual([])
  })

  test('a transient state settles by itself if every attempt fails, except while deleting', () => {
    const busy = everywhere.filter((snapshot) => snapshot.hasTag('busy') && !snapshot.matches('deleting'))
    const unsettled = busy.filter((snapshot) => {
      let at = snapshot
      for (let n = 0; n < 30 && at.hasTag('busy'); n += 1) at = nextSnapshot(at, nextFaultEvent(at))
      return !isSettled(at) || at.context.reason === null
    })
    expect(busy.length).toBeGreaterThan(0)
    expect(statePathsOf(unsettled)).toEqual([])
  })
})

/** Returns the next event if nothing succeeds and no deadline ends. */
function nextFaultEvent(snapshot: WorkspaceSnapshot): WorkspaceEvent {
  const effect = invokesIn(snapshot).find(({ src }) => src !== 'timer')
  if (effect) return effectDone(effect.id as EffectId, failedWith('transient'))
  return invokesIn(snapshot).some(({ id }) => id === 'pause') ? timerFired('pause') : { type: 'granted', ...cause }
}
