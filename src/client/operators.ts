import type { Operations } from '../wire/operations.ts'
import type { AdoptStray, Stray } from '../wire/stray.ts'
import type { Workspace } from '../wire/workspace.ts'
import type { Asking } from './asking.ts'

export type { AdoptStray, Operations, Stray }

/** What is left to operators; to everybody else there is none of it. */
export function operatorsOf({ read, send }: Asking) {
  const at = (container: string) => `/strays/${encodeURIComponent(container)}`
  return {
    /** The queue, the sweeps, and what waits for an operator. */
    operations: () => read<Operations>('/operations'),
    /** Containers that belong to no workspace. */
    strays: () => read<Stray[]>('/strays'),
    /** Removes such a container, with the files in it. */
    removeStray: async (container: string): Promise<void> => void (await send('DELETE', at(container))),
    /** Makes such a container a workspace again. `wish` is for what its labels do not tell. */
    adoptStray: (container: string, wish: NonNullable<AdoptStray> = {}) =>
      send<Workspace>('POST', `${at(container)}/adopt`, wish),
  }
}
