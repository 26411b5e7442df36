import { describe, expect, it } from 'vitest'
import type { Upgrade } from '../../src/machines/workspace-version.ts'
import { upgraded, upgrades, workspaceMachineVersion } from '../../src/machines/workspace-version.ts'
import { encodeSnapshot } from '../../src/persistence/snapshot-codec.ts'
import type { StoredRow } from '../../src/persistence/workspace-row.ts'
import { rowOf } from '../../src/supervisor/step-record.ts'
import { readStored } from '../../src/supervisor/stored.ts'
import { at, now } from '../machines/walk.ts'

// A history that never was: version 1 had no `forEngine`, and before version 3 `idle` was called `resting`.
const steps: readonly Upgrade[] = [
  {
    name: 'a wait says what it is for',
    carry: ({ value, context }) => ({ value, context: { ...context, forEngine: false } }),
  },
  {
    name: 'resting is called idle',
    carry({ value, context }) {
      if (!('forEngine' in context)) throw new Error('there is no forEngine yet')
      return { value: JSON.stringify(value) === '{"stopped":"resting"}' ? { stopped: 'idle' } : value, context }
    },
  },
]
const [first, second] = steps

const idle = at('stopped.idle')
const { forEngine: _, ...contextOf1 } = idle.context
const snapshots = {
  1: { value: { stopped: 'resting' }, context: contextOf1 },
  2: { value: { stopped: 'resting' }, context: idle.context },
  3: { value: { stopped: 'idle' }, context: idle.context },
}

function stored(machine: number, snapshot: { value: unknown; context: object }): StoredRow {
  return { ...rowOf(idle, 1, now), machine, snapshot: encodeSnapshot(snapshot), seq: 1, unreadable: null }
}

function reasonOf(row: StoredRow, by: readonly Upgrade[]): string {
  try {
    readStored(row, by)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'it is read'
}

describe('a stored snapshot', () => {
  it.each([1, 2, 3] as const)(
    'of version %i is carried up to version 3, by each upgrade after it in turn',
    (version) => {
      expect(readStored(stored(version, snapshots[version]), steps)).toEqual(snapshots[3])
    },
  )

  it('of this version is left as it is', () => {
    const it = { value: idle.value, context: { ...idle.context } }
    expect(upgraded(it, workspaceMachineVersion)).toBe(it)
    expect(workspaceMachineVersion).toBe(upgrades.length + 1)
  })

  it('that an upgrade does not take is set aside, and the reason names the upgrade', () => {
    const broken: Upgrade = {
      name: 'a mistake',
      carry() {
        throw new Error('no connection to be found')
      },
    }
    const by = first ? [first, broken] : []
    expect(reasonOf(stored(1, snapshots[1]), by)).toBe(
      'the upgrade "a mistake" to statechart version 3 failed: no connection to be found',
    )
    expect(reasonOf(stored(2, snapshots[2]), by)).toMatch(/"a mistake" to statechart version 3/)
    expect(reasonOf(stored(3, snapshots[3]), by)).toBe('it is read')
  })

  it('is set aside when an upgrade is missing in between, by what is then amiss with it', () => {
    expect(reasonOf(stored(1, snapshots[1]), second ? [second] : [])).toBe(
      'the upgrade "resting is called idle" to statechart version 2 failed: there is no forEngine yet',
    )
    expect(reasonOf(stored(1, snapshots[1]), first ? [first] : [])).toMatch(/resting.*none of the statechart's/)
  })

  it('of a newer version, after a downgrade, is set aside and says which', () => {
    expect(reasonOf(stored(3, snapshots[3]), first ? [first] : [])).toBe(
      'it was written by statechart version 3, this is version 2: a newer vm-api reads it',
    )
  })

  it.each([0, -1])('of a version %i that never was is set aside', (version) => {
    expect(reasonOf(stored(version, snapshots[3]), steps)).toMatch(/there never was a statechart version/)
  })

  it('that an upgrade carries to something that is no workspace is set aside', () => {
    const lossy: Upgrade = { name: 'forgets', carry: ({ value }) => ({ value, context: {} }) }
    expect(reasonOf(stored(1, snapshots[3]), [lossy])).toBe("the snapshot's context has no proper id")
  })
})

it('upgrades have names of their own, by which a reason tells of them', () => {
  const names = upgrades.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names.filter((name) => name.trim() === '')).toEqual([])
})
