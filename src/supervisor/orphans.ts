import type { Journal } from '../persistence/journal.ts'
import { isNameTaken } from '../persistence/workspace-store.ts'
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { ContainerRecord, WorkspaceLabels } from '../workspace/container.ts'
import { parseOwner } from '../workspace/id.ts'
import { namePattern } from '../workspace/name.ts'
import type { WorkspaceSpec } from '../workspace/spec.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'
import type { Caller } from '../workspace/caller.ts'
import type { AdoptResult, NotWrittenResult } from './requests.ts'
import type { Clock } from '../workspace/clock.ts'
import type { Maintenance } from './maintenance.ts'

/** A container of this installation that belongs to no workspace. */
export interface OrphanContainer extends ContainerRecord {
  readonly provider: ProviderName
}

export interface OrphanActionsDeps extends Pick<Maintenance, 'orphans' | 'reconcile' | 'actors'> {
  readonly journal: Journal
  readonly store: Pick<WorkspaceStore, 'nameTaken'>
  readonly templates: ReadonlyMap<string, { readonly spec: WorkspaceSpec }>
  readonly clock: Clock
  /** Told that the journal has a new line. */
  readonly notify: () => void
}

/** What operators may do with a container that belongs to no workspace. One act at a time: two that overlap would contradict each other. */
export function orphanActions(deps: OrphanActionsDeps) {
  const { clock, journal, actors, reconcile, store, orphans, templates, notify } = deps
  let last: Promise<unknown> = Promise.resolve()

  function runExclusively<T>(action: () => Promise<T>): Promise<T> {
    const current = last.then(action)
    last = current.catch(() => undefined) // its failure is told to who asked
    return current
  }

  const findOrphan = (containerId: string, { operator }: Caller) =>
    operator ? orphans().find((orphan) => orphan.containerId === containerId) : undefined

  return {
    /**
     * Removes such a container: its workspace is written down as given up, and then it goes as anything does that was deleted (law 8).
     * Operators only. From then on it is no orphan any more, whether its engine answers or not.
     */
    remove: (containerId: string, caller: Caller) =>
      runExclusively(async (): Promise<{ kind: 'removed' | 'not-found' } | NotWrittenResult> => {
        const orphan = findOrphan(containerId, caller)
        if (!orphan) return { kind: 'not-found' }
        const { owner } = caller
        try {
          journal.markDeleted({ workspace: orphan.workspaceId, owner, at: clock.now(), by: `user:${owner}` })
        } catch (error) {
          return { kind: 'write-failed', error }
        }
        notify()
        await reconcile()
        return { kind: 'removed' }
      }),

    /**
     * Makes the workspace again that such a container belonged to, with the id that its label names: the ordinary create, which begins at
     * the boot of that container. `wish` is for what the labels do not tell, and for a name or a template that cannot be had any more.
     * Operators only. Once it is adopted it is no orphan any more.
     */
    adopt: (containerId: string, caller: Caller, overrides: Partial<WorkspaceLabels>) =>
      runExclusively(async (): Promise<AdoptResult> => {
        const orphan = findOrphan(containerId, caller)
        if (!orphan) return { kind: 'not-found' }
        const { provider, state, workspaceId: id } = orphan
        const labels = validLabels({ ...orphan.labels, ...ownerFromJournal(journal.ownerOf(id)) })
        if (labels.owner !== undefined && overrides.owner !== undefined && overrides.owner !== labels.owner)
          return { kind: 'owner-mismatch' }
        const { owner, name, template } = { ...labels, ...overrides }
        if (owner === undefined || name === undefined || template === undefined)
          return { kind: 'labels-missing', missing: missingLabels({ owner, name, template }) }
        const spec = templates.get(template)?.spec
        if (!spec) return { kind: 'unknown-template', available: [...templates.keys()] }
        if (store.nameTaken(owner, name)) return { kind: 'name-taken' }
        const at = clock.now()
        // One that was never started has not run them.
        const adoptedContainer = { containerId, prepared: state.kind !== 'created' }
        const request = {
          id,
          owner,
          name,
          template,
          provider,
          spec,
          at,
          adoptedContainer,
          metadata: null,
          ttlSeconds: null,
        }
        const created = await actors.create(request, `user:${caller.owner}`)
        if (created.kind === 'created')
          return { kind: 'adopted', view: { kind: 'live', snapshot: created.snapshot, updatedAt: at } }
        const { error } = created.failedWrite
        return isNameTaken(error) ? { kind: 'name-taken' } : { kind: 'write-failed', error }
      }),
  }
}

/** Anybody who may use the engine can have written a label: what can be no name is none. */
function validLabels({ owner, name, template }: Partial<WorkspaceLabels>): Partial<WorkspaceLabels> {
  return {
    ...(owner !== undefined && parseOwner(owner) && { owner }),
    ...(name !== undefined && namePattern.test(name) && { name }),
    ...(template !== undefined && { template }),
  }
}

/** What the journal says is not written by anybody else. */
function ownerFromJournal(owner: string | undefined): Partial<WorkspaceLabels> {
  return owner === undefined ? {} : { owner: owner }
}

function missingLabels(
  labels: { readonly [field in keyof WorkspaceLabels]: string | undefined },
): readonly (keyof WorkspaceLabels)[] {
  return (['owner', 'name', 'template'] as const).filter((field) => labels[field] === undefined)
}
