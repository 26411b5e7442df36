import type { OperationsResponse } from '../wire/operations.ts'
import type { AdoptOrphanBody, OrphanResponse } from '../wire/orphan.ts'
import type { Workspace } from '../wire/workspace.ts'
import type { HttpTransport } from './http-transport.ts'

export type { AdoptOrphanBody, OperationsResponse, OrphanResponse }

/** What is left to operators; to everybody else there is none of it. */
export function operatorApi({ read: getJson, send: sendJson }: HttpTransport) {
  const orphanPath = (containerId: string) => `/orphans/${encodeURIComponent(containerId)}`
  return {
    /** The queue, the sweeps, and what waits for an operator. */
    operations: () => getJson<OperationsResponse>('/operations'),
    /** Containers that belong to no workspace. */
    orphans: () => getJson<OrphanResponse[]>('/orphans'),
    /** Removes such a container, with the files in it. */
    removeOrphan: async (containerId: string): Promise<void> =>
      void (await sendJson('DELETE', orphanPath(containerId))),
    /** Makes such a container a workspace again. `wish` is for what its labels do not tell. */
    adoptOrphan: (containerId: string, overrides: NonNullable<AdoptOrphanBody> = {}) =>
      sendJson<Workspace>('POST', `${orphanPath(containerId)}/adopt`, overrides),
  }
}
