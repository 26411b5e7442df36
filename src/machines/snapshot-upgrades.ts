type SnapshotState = { readonly value: unknown; readonly context: Readonly<Record<string, unknown>> }

/** Carries snapshots of one version of the statechart up to the next. Numbered by its place in the list, never edited after a release. */
export interface SnapshotUpgrade {
  readonly name: string
  /** Pure. A throw sets the row aside (law 7). */
  readonly apply: (stored: SnapshotState) => SnapshotState
}

/** The first leads from version 1 to 2. A list, so that no version is left without a way up. */
export const snapshotUpgrades: readonly SnapshotUpgrade[] = [
  {
    name: 'spec, attempts and waitingForEngine in the context',
    apply({ value, context: { recipe, tries, forEngine, ...context } }) {
      return { value, context: { ...context, spec: recipe, attempts: tries, waitingForEngine: forEngine } }
    },
  },
]

/** Version of the workspace's statechart, stored with each snapshot. One more whenever a state or a field of the context changes. */
export const workspaceMachineVersion = snapshotUpgrades.length + 1

/**
 * Carries a stored snapshot of this version up to the newest, by every upgrade in between.
 * @throws {Error} when it was written by a newer version, or an upgrade does not take it: which one, and why.
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
