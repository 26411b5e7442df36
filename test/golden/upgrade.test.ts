import { describe, expect, it } from 'vitest'
import type { SnapshotUpgrade } from '../../src/machines/snapshot-upgrades.ts'
import { upgradeSnapshot, snapshotUpgrades, workspaceMachineVersion } from '../../src/machines/snapshot-upgrades.ts'
import { encodeSnapshot } from '../../src/persistence/snapshot-codec.ts'
import type { StoredWorkspaceRow } from '../../src/persistence/workspace-row.ts'
import { workspaceRowOf } from '../../src/supervisor/commit-log.ts'
import { readRestorableState } from '../../src/supervisor/restore.ts'
import { snapshotAt, now } from '../machines/transitions.ts'

// A fictional history: version 1 has no `waitingForEngine`, and before version 3 `idle` is called `resting`.
const steps: readonly SnapshotUpgrade[] = [
  {
    name: 'add waitingForEngine',
    apply: ({ value, context }) => ({ value, context: { ...context, waitingForEngine: false } }),
  },
  {
    name: 'rename resting to idle',
    apply({ value, context }) {
      if (!('waitingForEngine' in context)) throw new Error('there is no waitingForEngine yet')
      return { value: JSON.stringify(value) === '{"stopped":"resting"}' ? { stopped: 'idle' } : value, context }
    },
  },
]
const [first, second] = steps

const idle = snapshotAt('stopped.idle')
const { waitingForEngine: _, ...contextOf1 } = idle.context
const snapshots = {
  1: { value: { stopped: 'resting' }, context: contextOf1 },
  2: { value: { stopped: 'resting' }, context: idle.context },
  3: { value: { stopped: 'idle' }, context: idle.context },
}

function stored(machine: number, snapshot: { value: unknown; context: object }): StoredWorkspaceRow {
  return { ...workspaceRowOf(idle, 1, now), machine, snapshot: encodeSnapshot(snapshot), seq: 1, unreadable: null }
}

function reasonOf(row: StoredWorkspaceRow, by: readonly SnapshotUpgrade[]): string {
  try {
    readRestorableState(row, by)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'readable'
}

describe('a stored snapshot', () => {
  it.each([1, 2, 3] as const)(
    'a snapshot of version %i is upgraded to version 3 by each later upgrade in turn',
    (version) => {
      expect(readRestorableState(stored(version, snapshots[version]), steps)).toEqual(snapshots[3])
    },
  )

  it('a snapshot of the current version is not changed', () => {
    const snapshot = { value: idle.value, context: { ...idle.context } }
    expect(upgradeSnapshot(snapshot, workspaceMachineVersion)).toBe(snapshot)
    expect(workspaceMachineVersion).toBe(snapshotUpgrades.length + 1)
  })

  it('a snapshot on which an upgrade fails is quarantined, and the reason names the upgrade', () => {
    const broken: SnapshotUpgrade = {
      name: 'a mistake',
      apply() {
        throw new Error('no connection to be found')
      },
    }
    const by = first ? [first, broken] : []
    expect(reasonOf(stored(1, snapshots[1]), by)).toBe(
      'the upgrade "a mistake" to statechart version 3 failed: no connection to be found',
    )
    expect(reasonOf(stored(2, snapshots[2]), by)).toMatch(/"a mistake" to statechart version 3/)
    expect(reasonOf(stored(3, snapshots[3]), by)).toBe('readable')
  })

  it('a snapshot is quarantined if an upgrade in between is missing', () => {
    expect(reasonOf(stored(1, snapshots[1]), second ? [second] : [])).toBe(
      'the upgrade "rename resting to idle" to statechart version 2 failed: there is no waitingForEngine yet',
    )
    expect(reasonOf(stored(1, snapshots[1]), first ? [first] : [])).toMatch(/resting.*not in the statechart/)
  })

  it('a snapshot of a newer version is quarantined after a downgrade, and the reason names the version', () => {
    expect(reasonOf(stored(3, snapshots[3]), first ? [first] : [])).toBe(
      'it was written by statechart version 3, this is version 2: a newer vm-api reads it',
    )
  })

  it.each([0, -1])('a snapshot of version %i, which never existed, is quarantined', (version) => {
    expect(reasonOf(stored(version, snapshots[3]), steps)).toMatch(/there never was a statechart version/)
  })

  it('a snapshot that is invalid after an upgrade is quarantined', () => {
    const lossy: SnapshotUpgrade = { name: 'drops the context', apply: ({ value }) => ({ value, context: {} }) }
    expect(reasonOf(stored(1, snapshots[3]), [lossy])).toBe("the snapshot's context has no valid id")
  })
})

it('upgrades have unique names, which appear in reasons', () => {
  const names = snapshotUpgrades.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names.filter((name) => name.trim() === '')).toEqual([])
})
