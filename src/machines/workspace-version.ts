/** Version of the workspace's statechart, stored with each snapshot. One more whenever an older snapshot has to be changed to be read. */
export const workspaceMachineVersion = 1

type Stored = { readonly value: unknown; readonly context: Readonly<Record<string, unknown>> }

/** What carries a snapshot of one version up to the next: `upgrades[1]` from 1 to 2. */
const upgrades: Readonly<Record<number, (stored: Stored) => Stored>> = {}

/**
 * Carries a stored snapshot up to this version.
 * @throws {Error} when it was written by a newer version, or no way leads up from its own.
 */
export function upgraded(stored: Stored, version: number): Stored {
  if (version > workspaceMachineVersion)
    throw new Error(`it was written by statechart version ${version}, this is version ${workspaceMachineVersion}`)
  let carried = stored
  for (let from = version; from < workspaceMachineVersion; from += 1) {
    const step = upgrades[from]
    if (!step) throw new Error(`nothing carries a snapshot of statechart version ${from} up`)
    carried = step(carried)
  }
  return carried
}
