import { initialTransition } from 'xstate'
import type { WorkspaceRequest } from '../../src/machines/workspace-context.ts'
import type { WorkspaceEvent } from '../../src/machines/workspace-event.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { statePath } from '../../src/machines/workspace-view.ts'
import type { WrittenStep } from '../../src/persistence/workspace-row.ts'
import { causeOf, lineOf, rowOf } from '../../src/supervisor/step-record.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { parseWorkspaceId } from '../../src/workspace/id.ts'
import type { Reached } from '../machines/reach.ts'
import { reachable } from '../machines/reach.ts'
import { now, request, step } from '../machines/walk.ts'
import { fullRecipe } from './recipe.ts'

/** A workspace as it came to be, step by step. */
export type Life = readonly WrittenStep[]

/** Rows that nobody can read, by name: what is done to each. */
export const damages: Readonly<Record<string, string>> = {
  'bad.snapshot': `snapshot = '{"value":'`,
  'bad.state': `snapshot = json_set(snapshot, '$.value', 'no state of any chart')`,
  'bad.marked': `snapshot = 'null', status = 'failed', unreadable = 'an older version said why'`,
  'bad.deleting': `snapshot = 'null', status = 'deleting'`,
}

// Not over within a test.
const tenYears = 315_360_000

/**
 * The lives that a golden database holds: for each state of the chart a shortest one that ends there, of either provider, and with
 * Docker one after which the workspace remembers as much as can be, made with an idempotency key. Each is named after the state. Then
 * those that are to be damaged. The same from run to run.
 */
export function lives(): readonly Life[] {
  const plain: WorkspaceRequest = { ...request, owner: 'ann', ttlSeconds: null }
  const asProcess: WorkspaceRequest = { ...request, owner: 'ben', ttlSeconds: tenYears, provider: 'process' }
  const metadata = { purpose: 'golden', tags: ['a', null, 1.5], more: { text: `O’Neill's "words"\n` } }
  const all: WorkspaceRequest = { ...plain, ttlSeconds: tenYears, metadata, recipe: fullRecipe }
  const docker = byState(reachable(plain))
  const up = docker.get('running.up') ?? []
  const wanted = [
    ...[...docker].map(([state, [way]]) => ({ way, asked: { ...plain, name: state } })),
    ...[...byState(reachable(all))].map(([state, ways]) => ({
      way: fullest(ways),
      asked: { ...all, name: `${state}.full` },
      key: `key of ${state}`,
    })),
    ...[...byState(reachable(asProcess))].map(([state, [way]]) => ({ way, asked: { ...asProcess, name: state } })),
    ...Object.keys(damages).map((name) => ({ way: up[0], asked: { ...plain, name } })),
  ]
  return wanted.flatMap(({ way, asked, ...once }, n) =>
    way ? [written(way, { ...asked, id: numbered(n + 1) }, once)] : [],
  )
}

function byState(reached: readonly Reached[]): ReadonlyMap<string, readonly Reached[]> {
  const found = new Map<string, Reached[]>()
  for (const it of reached) {
    const state = statePath(it.snapshot.value)
    found.set(state, [...(found.get(state) ?? []), it])
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function fullest(all: readonly Reached[]): Reached | undefined {
  const filled = ({ snapshot }: Reached) => Object.values(snapshot.context).filter(Boolean).length
  return all.toSorted((a, b) => filled(b) - filled(a))[0]
}

function numbered(n: number): WorkspaceId {
  const id = parseWorkspaceId(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`)
  if (!id) throw new Error(`${n} makes no id`)
  return id
}

// Lived through once more, since the walk holds two snapshots for one that differ in what does not matter to it.
function written({ steps }: Reached, asked: WorkspaceRequest, { key }: { key?: string }): Life {
  const events = steps.slice(1).map(({ event }) => event as WorkspaceEvent) // the first is the create
  let [at] = initialTransition(workspaceMachine, asked)
  const made = { event: 'create', at: asked.at, by: `user:${asked.owner}` }
  const { id, name } = asked
  const kept = { key: key ?? '', fingerprint: 'of the request', answer: JSON.stringify({ id, name }) }
  const first: WrittenStep = {
    row: rowOf(at, 1, made.at),
    line: lineOf(null, at, made),
    final: false,
    ...(key !== undefined && { kept }),
  }
  const others = events.map((event, n): WrittenStep => {
    const before = at
    at = step(before, event)
    const cause = causeOf(event, now)
    const line = event.type === 'progress' ? null : lineOf(before, at, cause)
    return { row: rowOf(at, n + 2, cause.at), line, final: at.status === 'done' }
  })
  return [first, ...others]
}
