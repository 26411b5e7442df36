// The engine is the truth about containers, the database about intent (law 8).
import type { Journal } from '../persistence/journal.ts'
import type { Notice, Provider } from '../provider/provider.ts'
import type { Found } from '../workspace/container.ts'
import type { Fault } from '../workspace/fault.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { ProviderName } from '../workspace/subject.ts'
import type { Clock } from './clock.ts'
import type { Live } from './live.ts'
import type { Population } from './population.ts'
import type { Stray } from './stray-acts.ts'
import type { Run } from './sweep.ts'
import { runs } from './sweep.ts'
import { atRest, verdict } from './verdict.ts'

export interface Reconcile {
  readonly provider: ProviderName
  /** What came of the last inventory. */
  last(): Run | null
  /** Holds every container of this provider against every workspace. An inventory that failed changes nothing. */
  all(): Promise<void>
  /** Something came to rest: what was noticed meanwhile is looked at now. */
  rested(id: WorkspaceId): void
  /** A workspace is deleted: nothing about it is of interest any more. */
  left(id: WorkspaceId): void
  /** Containers of this installation that nobody here ever heard of. Nothing is done to them. */
  strays(): readonly Stray[]
  /** Asks an engine that is away why, since the reason changes: its socket is closed, then gone, then refuses. */
  askAgain(): Promise<void>
  /** Why the engine cannot be reached; `null` while it can. */
  fault(): Fault | null
  close(): void
}

export interface ReconcileDeps {
  readonly provider: Provider
  readonly population: Population
  readonly journal: Pick<Journal, 'remembered'>
  readonly clock: Clock
  readonly log: Log
  /** The engine answers (again). */
  readonly connected: () => void
}

/** Workspaces held against an inventory before others get their turn. */
const chunk = 1000
/** Containers looked up; at the start each may bring its workspace to life on the way. */
const lookups = 100
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Follows one provider's engine, and reconciles at the start, after each reconnect and when asked to. */
export function reconcile({ provider, population, journal, clock, log, connected }: ReconcileDeps): Reconcile {
  const closing = new AbortController()
  const record = runs(clock)
  /** Noticed while the workspace was on its way. */
  const missed = new Set<WorkspaceId>()
  let strays: readonly Stray[] = []
  let away: Fault | null = { again: 'away', message: 'the engine has not answered yet' }
  let running: Promise<void> | undefined
  let again = false
  /** Deleted since the inventory under way began: it may still show their containers. */
  const leaving = new Set<WorkspaceId>()

  /** Sends what was found. `stale`: the workspace has moved since commit number `since`, or is moving. */
  function judge(
    id: WorkspaceId,
    { committed, commit, staged, revision }: Live,
    found: readonly Found[],
    since: number,
  ): 'stale' | 'agrees' | 'follows' {
    if (commit > since || staged !== revision || !atRest(committed)) return 'stale'
    const event = verdict(committed, found, clock.now())
    if (!event || !population.send(id, event)) return 'agrees'
    log.info({ workspace: id, found: event.type }, 'the workspace follows what its engine says')
    return 'follows'
  }

  function noticed(id: WorkspaceId) {
    look(id).catch((bug: unknown) => {
      if (!closing.signal.aborted) log.error({ err: bug, workspace: id }, 'a look at a container did not succeed')
    })
  }

  async function look(id: WorkspaceId): Promise<void> {
    for (;;) {
      const before = population.find(id)
      if (before?.committed.context.provider !== provider.name) return // without a workspace: an inventory tells of it
      if (!atRest(before.committed)) return void missed.add(id)
      const since = population.commits()
      const found = await provider.inspect(id, closing.signal)
      if (closing.signal.aborted || !found.ok) return
      const live = population.find(id)
      if (!live || judge(id, live, found.value ? [found.value] : [], since) !== 'stale') return
      if (live.staged !== live.revision) return void missed.add(id)
    }
  }

  async function inventory() {
    const run = record.begin()
    try {
      await compare(run)
    } catch (error) {
      run.failed(String(error))
      throw error
    } finally {
      run.end()
    }
  }

  async function compare({ count, failed }: ReturnType<typeof record.begin>) {
    leaving.clear()
    const since = population.commits()
    const listed = await provider.inventory(closing.signal)
    if (closing.signal.aborted) return
    if (!listed.ok) {
      failed(listed.fault.message)
      return log.warn({ provider: provider.name, reason: listed.fault.message }, 'no inventory: nothing is reconciled')
    }
    count('containers', listed.value.length)
    const found = new Map<WorkspaceId, Found[]>()
    for (const container of listed.value) {
      const others = found.get(container.workspaceId)
      if (others) others.push(container)
      else found.set(container.workspaceId, [container])
    }
    // One that is on its way sees for itself; one that has moved meanwhile is seen by the next inventory.
    let [seen, changed] = [0, 0]
    for (const [id, live] of population.all()) {
      const isOurs = live.committed.context.provider === provider.name
      if (isOurs && judge(id, live, found.get(id) ?? [], since) === 'follows') changed += 1
      seen += 1
      if (seen % chunk === 0) await turn()
      if (closing.signal.aborted) return
    }
    count('changed', changed)
    count('removed', await leftOver(listed.value))
    count('strays', strays.length)
  }

  /** Removes what the journal says was deleted; what it never heard of is shown and left alone: an older database may have been put back. Answers how many went. */
  async function leftOver(found: readonly Found[]): Promise<number> {
    const unknown: Stray[] = []
    let gone = 0
    for (const [index, container] of found.entries()) {
      const { workspaceId, containerId } = container
      if (index > 0 && index % lookups === 0) await turn()
      if (closing.signal.aborted) return gone
      if (leaving.has(workspaceId)) continue
      if (population.find(workspaceId) || population.aside(workspaceId)) continue
      if (journal.remembered(workspaceId) !== 'deleted') {
        unknown.push({ ...container, provider: provider.name })
        continue
      }
      const removed = await provider.remove(workspaceId, containerId, closing.signal)
      if (removed.ok) gone += 1
      log.warn(
        { workspace: workspaceId, container: containerId, removed: removed.ok },
        'a deleted workspace had left its container',
      )
    }
    if (unknown.length > 0 && unknown.length !== strays.length)
      log.warn(
        { containers: unknown.map(({ containerId }) => containerId) },
        'containers of this installation belong to no workspace that was ever heard of, and are left alone: was an older database put back?',
      )
    strays = unknown
    return gone
  }

  /** One at a time; what is asked while one is under way is answered by another after it, since that one may have seen too little. */
  async function all(): Promise<void> {
    if (running) {
      again = true
      return running
    }
    running = (async () => {
      do {
        again = false
        await inventory()
      } while (again && !closing.signal.aborted)
    })()
    try {
      await running
    } finally {
      running = undefined
    }
  }

  function heard(notice: Notice) {
    if (closing.signal.aborted) return
    if (notice.kind === 'changed') noticed(notice.workspaceId)
    else if (notice.kind === 'lost') {
      log.warn(
        { provider: provider.name, reason: notice.fault.message },
        'the provider is away; work that needs it waits',
      )
      away = notice.fault
    } else {
      if (away) log.info({ provider: provider.name }, 'the provider answers')
      away = null
      connected()
      all().catch((bug: unknown) =>
        log.error({ err: bug, provider: provider.name }, 'a reconciliation did not succeed'),
      )
    }
  }

  const watch = provider.watch(heard)

  return {
    provider: provider.name,
    last: record.last,
    all,
    rested(id) {
      if (missed.delete(id)) noticed(id)
    },
    left(id) {
      missed.delete(id)
      if (running) leaving.add(id)
    },
    async askAgain() {
      if (!away) return
      const answer = await provider.ready(closing.signal)
      // That it answers is believed when it is told of, with the events that were missed.
      if (away && !answer.ok && !closing.signal.aborted) away = answer.fault
    },
    strays: () => strays,
    fault: () => away,
    close() {
      closing.abort()
      watch.close()
    },
  }
}
