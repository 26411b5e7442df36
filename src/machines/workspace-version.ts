type Stored = { readonly value: unknown; readonly context: Readonly<Record<string, unknown>> }

/** Carries snapshots of one version of the statechart up to the next. Numbered by its place in the list, never edited after a release. */
export interface Upgrade {
  readonly name: string
  /** Pure. A throw sets the row aside (law 7). */
  readonly carry: (stored: Stored) => Stored
}

/** The first leads from version 1 to 2. A list, so that no version is left without a way up. */
export const upgrades: readonly Upgrade[] = []

/** Version of the workspace's statechart, stored with each snapshot. One more whenever a state or a field of the context changes. */
export const workspaceMachineVersion = upgrades.length + 1

/**
 * Carries a stored snapshot of this version up to the newest, by every upgrade in between.
 * @throws {Error} when it was written by a newer version, or an upgrade does not take it: which one, and why.
 */
export function upgraded(stored: Stored, version: number, steps: readonly Upgrade[] = upgrades): Stored {
  const newest = steps.length + 1
  if (version > newest)
    throw new Error(
      `it was written by statechart version ${version}, this is version ${newest}: a newer vm-api reads it`,
    )
  if (version < 1) throw new Error(`there never was a statechart version ${version}, and nothing leads up from it`)
  return steps.slice(version - 1).reduce((carried, { name, carry }, index) => {
    try {
      return carry(carried)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`the upgrade "${name}" to statechart version ${version + index + 1} failed: ${why}`, {
        cause: error,
      })
    }
  }, stored)
}
