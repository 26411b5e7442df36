// What may be asked of the service. Everything that happens to a workspace goes through `create`, `tell` or an observation of its
// engine; everything that is answered is on disk (law 2).
import { subjectOf } from '../machines/workspace-context.ts'
import type { WorkspaceCommand } from '../machines/workspace-event.ts'
import { statePath, statusOf } from '../machines/workspace-view.ts'
import type { NumberedLine } from '../persistence/journal.ts'
import type { workspaceList } from '../persistence/workspace-list.ts'
import { isNameTaken } from '../persistence/workspace-store.ts'
import { newWorkspaceId } from '../workspace/id.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Recipe } from '../workspace/recipe.ts'
import type { ProviderName } from '../workspace/subject.ts'
import type { Asker, Created, Filter, Followed, Health, Once, Page, Reached, Seen, Told, Wish } from './asked.ts'
import { seen } from './asked.ts'
import { feed } from './feed.ts'
import { operationsOf } from './operations.ts'
import { strayActs } from './stray-acts.ts'
import type { UpkeepDeps } from './upkeep.ts'
import { upkeep } from './upkeep.ts'
import { keyLifetimeMs } from './upkeep-sweeps.ts'

export interface SupervisorDeps extends Omit<UpkeepDeps, 'told'> {
  readonly list: ReturnType<typeof workspaceList>
  /** What workspaces can be made from, by name. */
  readonly templates: ReadonlyMap<string, { readonly recipe: Recipe }>
  readonly defaultTemplate: string
  /** Where new workspaces run. */
  readonly provider: ProviderName
  /** What is wrong with the database; `null` if nothing is. */
  readonly databaseTrouble: () => string | null
}

export type Supervisor = ReturnType<typeof supervise>

/** A command as users give it: the supervisor adds when and by whom. */
export type Ask = { [C in WorkspaceCommand as C['type']]: Omit<C, 'at' | 'by'> }[Exclude<
  WorkspaceCommand['type'],
  'expire'
>]

/** Brings every stored workspace back to life and answers for all of them until `close()`. It can be asked at once. */
export function supervise(deps: SupervisorDeps) {
  const { answers, clock, defaultTemplate, journal, list, provider, store, templates } = deps
  const feeding = feed(journal)
  const work = upkeep({ ...deps, told: feeding.told })
  const { population } = work
  const straying = strayActs({ ...deps, ...work, told: feeding.told })
  const creating = new Map<string, Promise<unknown>>()

  function find(id: WorkspaceId): Seen | undefined {
    const live = population.find(id)
    if (live) return seen(live)
    const aside = population.aside(id)
    return aside && { kind: 'unreadable', ...aside }
  }

  /** Another owner's workspace does not exist (law 11), and nor does one's own once its delete was answered. */
  function look(id: WorkspaceId, { owner, operator }: Asker): Seen | undefined {
    const found = find(id)
    if (!found || operator) return found
    const ownedBy = found.kind === 'readable' ? found.snapshot.context.owner : found.row.owner
    return ownedBy === owner && isShown(found) ? found : undefined
  }

  async function make(wish: Wish, { owner }: Asker, once: Once | undefined): Promise<Created> {
    if (once) {
      const before = answers.find(owner, once.key, clock.now() - keyLifetimeMs)
      if (before?.fingerprint === once.fingerprint) return { kind: 'repeated', answer: before.answer }
      if (before) return { kind: 'key-reused' }
    }
    const template = wish.template ?? defaultTemplate
    const recipe = templates.get(template)?.recipe
    if (!recipe) return { kind: 'no-such-template', known: [...templates.keys()] }
    if (store.nameTaken(owner, wish.name)) return { kind: 'name-taken' }
    const at = clock.now()
    const request = { ...wish, id: newWorkspaceId(), owner, template, provider, recipe, at }
    const made = await population.create(
      request,
      `user:${owner}`,
      once && ((snapshot) => ({ ...once, answer: once.answer({ kind: 'readable', snapshot, updatedAt: at }) })),
    )
    if (made.kind === 'lost') return notWritten(made.loss.error)
    return { kind: 'created', seen: { kind: 'readable', snapshot: made.snapshot, updatedAt: at } }
  }

  async function deleteUnreadable(found: Seen & { kind: 'unreadable' }, at: number, by: string): Promise<Told> {
    const begun = await population.deleteAside(found.row.id, { event: 'delete', at, by })
    if (begun.kind === 'lost') return notWritten(begun.loss.error)
    if (begun.kind === 'none') return { kind: 'unknown' }
    work.resume(found.row.id)
    return { kind: 'accepted', seen: found }
  }

  return {
    look,

    /** A workspace with the number of the write that made it so. */
    stored(id: WorkspaceId, asker: Asker): { readonly seen: Seen; readonly revision: number } | undefined {
      const found = look(id, asker)
      if (!found) return undefined
      const revision = found.kind === 'readable' ? population.find(id)?.revision : found.row.revision
      return { seen: found, revision: revision ?? 0 }
    },

    /** Makes a workspace. A second request with a key that is under way waits for the first and gets its answer. */
    async create(wish: Wish, asker: Asker, once?: Once): Promise<Created> {
      if (!once) return make(wish, asker, undefined)
      const key = `${asker.owner},${once.key}` // no owner has a comma
      while (creating.has(key)) await creating.get(key)?.catch(() => undefined) // its failure is its own
      const made = make(wish, asker, once)
      creating.set(key, made)
      try {
        return await made
      } finally {
        creating.delete(key)
      }
    },

    /** Tells a workspace what to do. Accepted means: on disk, and on its way. */
    async tell(id: WorkspaceId, asker: Asker, ask: Ask): Promise<Told> {
      const found = look(id, asker)
      if (!found) return { kind: 'unknown' }
      const [at, by] = [clock.now(), `user:${asker.owner}`]
      if (found.kind === 'unreadable')
        return ask.type === 'delete' ? deleteUnreadable(found, at, by) : refusedUnreadable
      const { name, owner } = found.snapshot.context
      // To be refused by the database would put it back, and cut off what it is doing.
      if (ask.type === 'amend' && ask.name !== undefined && ask.name !== name && store.nameTaken(owner, ask.name))
        return { kind: 'name-taken' }
      const accepted = population.send(id, { ...ask, at, by })
      const after = population.find(id)?.actor.getSnapshot() ?? found.snapshot
      const loss = await population.onDisk(id) // a refusal names a state, so it waits too
      if (loss) return notWritten(loss.error)
      if (accepted) return { kind: 'accepted', seen: { kind: 'readable', snapshot: after, updatedAt: at } }
      // Refused because it is being deleted since: to the asker it does not exist any more.
      return look(id, asker) ? { kind: 'refused', state: statePath(after.value) } : { kind: 'unknown' }
    },

    /** Where a workspace is, for what its owner does inside it. `up`: it runs, and nothing is being done to it. */
    reach(id: WorkspaceId, asker: Asker): Reached {
      const found = look(id, asker)
      if (!found) return { kind: 'unknown' }
      if (found.kind === 'unreadable') return { kind: 'unreadable' }
      const { context, value } = found.snapshot
      const state = statePath(value)
      const { inside } = deps.providers.get(context.provider) ?? { inside: undefined }
      return inside
        ? { kind: 'reached', state, up: state === 'running.up', subject: subjectOf(context), inside }
        : { kind: 'unreadable' }
    },

    /** Waits until a workspace that is being deleted is gone, for at most so long. */
    gone: work.gone,

    /** Lists what the asker may see, newest first. */
    list({ owner, limit, ...filter }: Filter, asker: Asker): Page {
      const everybody = asker.operator && owner === '*' // a user may be called so too
      // To anybody else, other owners' workspaces do not exist.
      if (!asker.operator && owner !== undefined && owner !== '*' && owner !== asker.owner)
        return { workspaces: [], next: null }
      const found = list({
        ...filter,
        ...(!everybody && { owner: asker.operator ? (owner ?? asker.owner) : asker.owner }),
        ...(limit !== undefined && { limit: limit + 1 }),
        deleting: asker.operator && (owner !== undefined || filter.status === 'deleting'),
      })
      const page = limit === undefined ? found : found.slice(0, limit)
      return {
        workspaces: page.flatMap(({ id }) => find(id) ?? []),
        next: page.length < found.length ? (page.at(-1)?.seq ?? null) : null,
      }
    },

    /** A workspace's history after line number `after`, oldest first; `undefined` if it does not exist for the asker. It outlives the workspace. */
    history(id: WorkspaceId, asker: Asker, after: number, limit: number): readonly NumberedLine[] | undefined {
      const owner = journal.ownerOf(id)
      return owner !== undefined && (asker.operator || owner === asker.owner)
        ? journal.lines(id, after, limit)
        : undefined
    },

    /**
     * Follows what is committed, of one workspace or of all that the asker may see, after line number `after`; `null`: from now on.
     * `unknown`: there is no such workspace for the asker; `no-such-place`: the journal has never been that far; `over`: the workspace is
     * gone, and nothing comes any more.
     */
    follow(
      { asker, workspace, after }: { asker: Asker; workspace: WorkspaceId | null; after: number | null },
      wake: () => void,
    ): Followed {
      if (workspace) {
        const owner = journal.ownerOf(workspace)
        if (owner === undefined || !(asker.operator || owner === asker.owner)) return { kind: 'unknown' }
      }
      const newest = feeding.newest()
      if (after !== null && after > newest) return { kind: 'no-such-place' }
      const from = after ?? newest
      const gone = workspace && journal.remembered(workspace) === 'deleted'
      if (gone && journal.lines(workspace, from, 1).length === 0) return { kind: 'over' }
      const scope = { ...(workspace && { workspace }), ...(!asker.operator && { owner: asker.owner }) }
      return { kind: 'following', from, following: feeding.follow(scope, from, wake) }
    },

    health(): Health {
      const faults = work.faults().map(({ message }) => message)
      return {
        database: deps.databaseTrouble(),
        provider: faults.length > 0 ? faults.join(' ') : null,
        rehydrating: work.rehydrating(),
      }
    },

    /** How many workspaces are in each state, those that cannot be read under `unreadable`. */
    states(): ReadonlyMap<string, number> {
      const found = new Map<string, number>()
      for (const { committed } of population.all().values()) {
        const state = statePath(committed.value)
        found.set(state, (found.get(state) ?? 0) + 1)
      }
      return population.unreadable() === 0 ? found : found.set('unreadable', population.unreadable())
    },

    /** What a workspace's lifecycle commands wrote: as far as it is on disk, and a call whenever there is more. */
    written: { after: work.hearing.after, follow: work.hearing.follow },

    rehydrated: work.rehydrated,
    strays: work.strays,
    removeStray: straying.remove,
    adoptStray: straying.adopt,

    queue: work.queue,

    /** What goes on without being asked, for operators. */
    operations: () => operationsOf(work, deps.settings.concurrency),
    close: work.close,
  }
}

const refusedUnreadable = { kind: 'refused', state: 'failed' } as const

function isShown(found: Seen): boolean {
  const status = found.kind === 'readable' ? statusOf(found.snapshot.value) : found.row.status
  return status !== 'deleting' && status !== 'deleted'
}

function notWritten(error: unknown) {
  return isNameTaken(error) ? ({ kind: 'name-taken' } as const) : ({ kind: 'not-written', error } as const)
}
