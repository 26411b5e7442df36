import { describe, expect, test } from 'vitest'
import type { DirectedGraphNode } from 'xstate/graph'
import { toDirectedGraph } from 'xstate/graph'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-view.ts'
import { commandsIn, statePath } from '../../src/machines/workspace-view.ts'
import { edges, keyOf, reachable, underWay } from './reach.ts'
import type { EffectId } from './walk.ts'
import { answered, not, rang, said, step } from './walk.ts'

// Law 5 over the whole graph: what is on its way gets somewhere by itself, and what rests is left by a command.

const everywhere = reachable().map(({ snapshot }) => snapshot)
const steps = edges()
const rests = (it: WorkspaceSnapshot) => it.status === 'active' && !it.hasTag('busy')
const told = (of: readonly WorkspaceSnapshot[]) => [...new Set(of.map(({ value }) => statePath(value)))]
const isEnd = (type: string) => type.startsWith('xstate.done.actor.')

const nodesIn = (node: DirectedGraphNode): DirectedGraphNode[] => [node, ...node.children.flatMap(nodesIn)]
const nodes = nodesIn(toDirectedGraph(workspaceMachine))

test('a workspace that rests can be started or stopped, and that leads out of where it rests', () => {
  const resting = everywhere.filter(rests)
  const stuck = resting.filter((it) => {
    const out = commandsIn(it).filter((type) => type === 'start' || type === 'stop')
    return !out.some((type) => statePath(step(it, { type, ...said }).value) !== statePath(it.value))
  })
  expect(resting.length).toBeGreaterThan(0)
  expect(told(stuck)).toEqual([])
})

describe('a state on its way', () => {
  test('is left by every answer of its effect and at the end of every wait', () => {
    const ends = steps.filter(({ event }) => isEnd(event.type))
    expect(ends.length).toBeGreaterThan(0)
    const ignored = ends.filter(({ state, nextState }) => keyOf(state) === keyOf(nextState))
    expect(ignored.map(({ state, event }) => `${statePath(state.value)}: ${event.type}`)).toEqual([])
  })

  test('has an edge that holds whatever its effect answers', () => {
    const invokes = nodes.flatMap((node) => node.stateNode.invoke.map(({ id }) => ({ node, id })))
    expect(invokes.length).toBeGreaterThan(0)
    const open = invokes.filter(({ node, id }) => {
      const last = node.edges.findLast(({ transition }) => transition.eventType === `xstate.done.actor.${id}`)
      return last === undefined || last.transition.guard !== undefined
    })
    expect(open.map(({ node, id }) => `${node.stateNode.id}: ${id}`)).toEqual([])
  })

  test('comes to rest or is gone without anybody’s command', () => {
    const byItself = steps.filter(({ event }) => isEnd(event.type) || event.type === 'granted')
    const home = new Set(everywhere.filter((it) => rests(it) || it.status === 'done').map(keyOf))
    for (let before = -1; before !== home.size; ) {
      before = home.size
      for (const { state, nextState } of byItself) if (home.has(keyOf(nextState))) home.add(keyOf(state))
    }
    // Those beyond the walk's end are deleted as often as it takes: reach.test.ts.
    const walked = everywhere.filter(({ context }) => context.tries <= 6)
    expect(told(walked.filter((it) => !home.has(keyOf(it))))).toEqual([])
  })

  test('comes to rest by itself when every try of it fails, unless it is being deleted', () => {
    const busy = everywhere.filter((it) => it.hasTag('busy') && !it.matches('deleting'))
    const restless = busy.filter((it) => {
      let at = it
      for (let n = 0; n < 30 && at.hasTag('busy'); n += 1) at = step(at, nextTrouble(at))
      return !rests(at) || at.context.reason === null
    })
    expect(busy.length).toBeGreaterThan(0)
    expect(told(restless)).toEqual([])
  })
})

/** What happens next if nothing succeeds and no deadline ever ends. */
function nextTrouble(it: WorkspaceSnapshot): WorkspaceEvent {
  const effect = underWay(it).find(({ src }) => src !== 'alarm')
  if (effect) return answered(effect.id as EffectId, not('later'))
  return underWay(it).some(({ id }) => id === 'pause') ? rang('pause') : { type: 'granted', ...said }
}
