type SnapshotState = { readonly value: unknown; readonly context: Readonly<Record<string, unknown>> }

/** Upgrades snapshots from one statechart version to the next. Its index is its version; never edited after a release. */
export interface SnapshotUpgrade {
  readonly name: string
  /** Pure. If it throws, the row is quarantined (law 7). */
  readonly apply: (stored: SnapshotState) => SnapshotState
}

/** The first upgrades version 1 to 2. A list, so that no version is without an upgrade. */
export const snapshotUpgrades: readonly SnapshotUpgrade[] = [
  {
    name: 'spec, attempts and waitingForEngine in the context',
    apply({ value, context: { recipe, tries, forEngine, ...context } }) {
      return { value, context: { ...context, spec: recipe, attempts: tries, waitingForEngine: forEngine } }
    },
  },
]

/** Version of the statechart, stored with each snapshot. It increases whenever a state or a context field changes. */
export const workspaceMachineVersion = snapshotUpgrades.length + 1

/**
 * Upgrades a stored snapshot from `version` to the newest.
 * @throws {Error} if a newer version wrote it, or if an upgrade fails: which one, and why.
 */
export function upgradeSnapshot(
  stored: SnapshotState,
  version: number,
  upgrades: readonly SnapshotUpgrade[] = snapshotUpgrades,
): SnapshotState {
  const newestVersion = upgrades.length + 1
  if (version > newestVersion)
    throw new Error(
      `it was written by statechart version ${version}, this is version ${newestVersion}: a newer vm-api reads it`,
    )
  if (version < 1) throw new Error(`there never was a statechart version ${version}, and nothing leads up from it`)
  return upgrades.slice(version - 1).reduce((current, { name, apply }, index) => {
    try {
      return apply(current)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(`the upgrade "${name}" to statechart version ${version + index + 1} failed: ${reason}`, {
        cause: error,
      })
    }
  }, stored)
}
