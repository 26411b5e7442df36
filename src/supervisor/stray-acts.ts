import type { Journal } from '../persistence/journal.ts'
import { isNameTaken } from '../persistence/workspace-store.ts'
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { Found, Labelled } from '../workspace/container.ts'
import { parseOwner } from '../workspace/id.ts'
import { namePattern } from '../workspace/name.ts'
import type { Recipe } from '../workspace/recipe.ts'
import type { ProviderName } from '../workspace/subject.ts'
import type { Adopted, Asker, NotWritten } from './asked.ts'
import type { Clock } from './clock.ts'
import type { Upkeep } from './upkeep.ts'

/** A container of this installation that belongs to no workspace. */
export interface Stray extends Found {
  readonly provider: ProviderName
}

export interface StrayDeps extends Pick<Upkeep, 'strays' | 'reconcile' | 'population'> {
  readonly journal: Journal
  readonly store: Pick<WorkspaceStore, 'nameTaken'>
  readonly templates: ReadonlyMap<string, { readonly recipe: Recipe }>
  readonly clock: Clock
  /** Told that the journal has a new line. */
  readonly told: () => void
}

/** What operators may do with a container that belongs to no workspace. One act at a time: two that overlap would contradict each other. */
export function strayActs(deps: StrayDeps) {
  const { clock, journal, population, reconcile, store, strays, templates, told } = deps
  let last: Promise<unknown> = Promise.resolve()

  function alone<T>(act: () => Promise<T>): Promise<T> {
    const mine = last.then(act)
    last = mine.catch(() => undefined) // its failure is told to who asked
    return mine
  }

  const find = (containerId: string, { operator }: Asker) =>
    operator ? strays().find((found) => found.containerId === containerId) : undefined

  return {
    /**
     * Removes such a container: its workspace is written down as given up, and then it goes as anything does that was deleted (law 8).
     * Operators only. From then on it is no stray any more, whether its engine answers or not.
     */
    remove: (containerId: string, asker: Asker) =>
      alone(async (): Promise<{ kind: 'removed' | 'unknown' } | NotWritten> => {
        const stray = find(containerId, asker)
        if (!stray) return { kind: 'unknown' }
        const { owner } = asker
        try {
          journal.giveUp({ workspace: stray.workspaceId, owner, at: clock.now(), by: `user:${owner}` })
        } catch (error) {
          return { kind: 'not-written', error }
        }
        told()
        await reconcile()
        return { kind: 'removed' }
      }),

    /**
     * Makes the workspace again that such a container belonged to, with the id that its label names: the ordinary create, which begins at
     * the boot of that container. `wish` is for what the labels do not tell, and for a name or a template that cannot be had any more.
     * Operators only. Once it is adopted it is no stray any more.
     */
    adopt: (containerId: string, asker: Asker, wish: Partial<Labelled>) =>
      alone(async (): Promise<Adopted> => {
        const stray = find(containerId, asker)
        if (!stray) return { kind: 'unknown' }
        const { provider, state, workspaceId: id } = stray
        const known = believable({ ...stray.labelled, ...ownerIn(journal.ownerOf(id)) })
        if (known.owner !== undefined && wish.owner !== undefined && wish.owner !== known.owner)
          return { kind: 'owned-otherwise' }
        const { owner, name, template } = { ...known, ...wish }
        if (owner === undefined || name === undefined || template === undefined)
          return { kind: 'says-too-little', lacks: lacking({ owner, name, template }) }
        const recipe = templates.get(template)?.recipe
        if (!recipe) return { kind: 'no-such-template', known: [...templates.keys()] }
        if (store.nameTaken(owner, name)) return { kind: 'name-taken' }
        const at = clock.now()
        // One that was never started has not run them.
        const adopts = { containerId, prepared: state.kind !== 'made' }
        const request = { id, owner, name, template, provider, recipe, at, adopts, metadata: null, ttlSeconds: null }
        const made = await population.create(request, `user:${asker.owner}`)
        if (made.kind === 'made')
          return { kind: 'adopted', seen: { kind: 'readable', snapshot: made.snapshot, updatedAt: at } }
        const { error } = made.loss
        return isNameTaken(error) ? { kind: 'name-taken' } : { kind: 'not-written', error }
      }),
  }
}

/** Anybody who may use the engine can have written a label: what can be no name is none. */
function believable({ owner, name, template }: Partial<Labelled>): Partial<Labelled> {
  return {
    ...(owner !== undefined && parseOwner(owner) && { owner }),
    ...(name !== undefined && namePattern.test(name) && { name }),
    ...(template !== undefined && { template }),
  }
}

/** What the journal says is not written by anybody else. */
function ownerIn(journal: string | undefined): Partial<Labelled> {
  return journal === undefined ? {} : { owner: journal }
}

function lacking(needed: { readonly [field in keyof Labelled]: string | undefined }): readonly (keyof Labelled)[] {
  return (['owner', 'name', 'template'] as const).filter((field) => needed[field] === undefined)
}
