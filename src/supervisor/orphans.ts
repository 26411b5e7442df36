import type { Journal } from '../persistence/journal.ts'
import type { Clock } from '../workspace/clock.ts'
import type { WorkspaceLabels } from '../workspace/container.ts'
import { parseOwner } from '../workspace/id.ts'
import { namePattern } from '../workspace/name.ts'
import type { ActorRegistry, WorkspaceView } from './actors.ts'
import type { Admission, CreateResult, NotWrittenResult } from './admission.ts'
import type { Caller } from '../workspace/caller.ts'
import type { OrphanContainer, Reconciler } from './reconcile.ts'

/** The result of adopting an orphaned container. */
export type AdoptResult =
  | { readonly kind: 'adopted'; readonly view: WorkspaceView }
  | { readonly kind: 'not-found' }
  /** The request names another owner than the container does. */
  | { readonly kind: 'owner-mismatch' }
  | { readonly kind: 'labels-missing'; readonly missing: readonly (keyof WorkspaceLabels)[] }
  | Exclude<CreateResult, { kind: 'created' | 'replayed' | 'key-reused' }>

export interface OrphanDeps {
  readonly actors: ActorRegistry
  readonly admission: Pick<Admission, 'adopt'>
  readonly reconcilers: readonly Reconciler[]
  readonly journal: Journal
  readonly clock: Clock
  /** Called when the journal has a new line. */
  readonly notify: () => void
}

/** Lists containers without a workspace, and lets operators remove or adopt them. One action at a time: two would contradict each other. */
export function orphanContainers({ actors, admission, reconcilers, journal, clock, notify }: OrphanDeps) {
  let last: Promise<unknown> = Promise.resolve()

  function runExclusively<T>(action: () => Promise<T>): Promise<T> {
    const current = last.then(action)
    last = current.catch(() => undefined) // the caller gets the failure
    return current
  }

  // The inventory does not know yet what was adopted or removed after it.
  const list = (): readonly OrphanContainer[] =>
    reconcilers
      .flatMap((reconciler) => reconciler.orphans())
      .filter(({ workspaceId: id }) => !actors.view(id) && journal.lastKnownStatus(id) !== 'deleted')

  const find = (containerId: string, { operator }: Caller) =>
    operator ? list().find((orphan) => orphan.containerId === containerId) : undefined

  return {
    list,

    /**
     * Removes an orphan: the journal records its workspace as deleted, then reconciliation removes the container (law 8). Operators only.
     * From then on it is no orphan, even if its engine is unavailable.
     */
    remove: (containerId: string, caller: Caller) =>
      runExclusively(async (): Promise<{ kind: 'removed' | 'not-found' } | NotWrittenResult> => {
        const orphan = find(containerId, caller)
        if (!orphan) return { kind: 'not-found' }
        const { owner } = caller
        try {
          journal.markDeleted({ workspace: orphan.workspaceId, owner, at: clock.now(), by: `user:${owner}` })
        } catch (error) {
          return { kind: 'write-failed', error }
        }
        notify()
        await Promise.all(reconcilers.map((reconciler) => reconciler.reconcileAll()))
        return { kind: 'removed' }
      }),

    /**
     * Creates the workspace that an orphan belonged to. `overrides` supply what its labels lack, or replace a name or template that is not
     * available any more. Operators only.
     */
    adopt: (containerId: string, caller: Caller, overrides: Partial<WorkspaceLabels>) =>
      runExclusively(async (): Promise<AdoptResult> => {
        const orphan = find(containerId, caller)
        if (!orphan) return { kind: 'not-found' }
        const owner = journal.ownerOf(orphan.workspaceId) // only the service writes the journal
        const labels = validLabels({ ...orphan.labels, ...(owner !== undefined && { owner }) })
        if (labels.owner !== undefined && overrides.owner !== undefined && overrides.owner !== labels.owner)
          return { kind: 'owner-mismatch' }
        const complete = completeLabels({ ...labels, ...overrides })
        if (complete.kind === 'labels-missing') return complete
        const result = await admission.adopt({ ...complete.labels, orphan, by: `user:${caller.owner}` })
        if (result.kind === 'created') return { kind: 'adopted', view: result.view }
        if (result.kind === 'replayed' || result.kind === 'key-reused') throw new Error('an adoption has no key')
        return result
      }),
  }
}

/** Drops labels that cannot be a name: everyone with access to the engine can write labels. */
function validLabels({ owner, name, template }: Partial<WorkspaceLabels>): Partial<WorkspaceLabels> {
  return {
    ...(owner !== undefined && parseOwner(owner) && { owner }),
    ...(name !== undefined && namePattern.test(name) && { name }),
    ...(template !== undefined && { template }),
  }
}

function completeLabels({ owner, name, template }: Partial<WorkspaceLabels>) {
  if (owner !== undefined && name !== undefined && template !== undefined)
    return { kind: 'complete', labels: { owner, name, template } } as const
  const labels = { owner, name, template }
  const missing = (['owner', 'name', 'template'] as const).filter((label) => labels[label] === undefined)
  return { kind: 'labels-missing', missing } as const
}
