// Keeps everything going without being asked: brings the actors back, resumes what was cut off, grants slots, expires, reconciles.
import type { Journal } from '../persistence/journal.ts'
import type { ExecLog } from '../persistence/exec-log.ts'
import type { KeptAnswers } from '../persistence/idempotency.ts'
import type { LifecycleOutput } from '../persistence/lifecycle-output.ts'
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { Provider } from '../provider/provider.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { ProviderName } from '../workspace/subject.ts'
import type { Clock } from './clock.ts'
import { withEffects } from './effects.ts'
import { expiry } from './expiry.ts'
import { hearing as hear } from './hearing.ts'
import type { Committed } from './live.ts'
import type { Population } from './population.ts'
import { population as populate } from './population.ts'
import { reconcile } from './reconcile.ts'
import { resumption } from './resumption.ts'
import type { Observer } from './observer.ts'
import { isStubborn, phaseOf } from './phase.ts'
import { slots as makeSlots } from './slots.ts'
import { upkeepSweeps } from './upkeep-sweeps.ts'
import { atRest } from './verdict.ts'

export interface UpkeepDeps {
  readonly store: WorkspaceStore
  readonly journal: Journal
  readonly answers: KeptAnswers
  /** What was run inside workspaces, to be forgotten with their histories; nothing, if nothing is said. */
  readonly runs?: Pick<ExecLog, 'prune'>
  /** Where it is kept what lifecycle commands write; nowhere, if nothing is said. */
  readonly output?: LifecycleOutput
  /** Empties the database's log while nothing else is going on. */
  readonly checkpoint: () => void
  /** Every provider that a workspace may name. */
  readonly providers: ReadonlyMap<ProviderName, Provider>
  readonly clock: Clock
  readonly log: Log
  /** Told after each commit. */
  readonly told: () => void
  readonly observer?: Observer
  readonly settings: {
    readonly concurrency: number
    readonly provisionerIntervalMs: number
    readonly janitorIntervalMs: number
    readonly journalDays: number
  }
  /** Runs a write at the end of the turn. */
  readonly soon?: (run: () => void) => void
}

export type Upkeep = ReturnType<typeof upkeep>

/** Rows brought back before others get their turn. */
const chunk = 250
const retryMs = 5000

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

export function upkeep(deps: UpkeepDeps) {
  const { store, journal, providers, clock, log, settings, soon, told, observer } = deps
  const awaited = new Map<WorkspaceId, Set<() => void>>()
  const hearing = hear({ output: deps.output, clock, log })
  let rehydrating = true
  let closed = false

  const logic = withEffects({
    clock,
    log,
    lost: async (id) => (await population.onDisk(id)) !== undefined,
    providerOf,
    progress: (id, text) => void population.send(id, { type: 'progress', at: clock.now(), by: 'engine', text }),
    hearing,
  })
  const population: Population = populate({
    store,
    logic,
    log,
    now: clock.now,
    committed,
    interrupted(id) {
      resuming.interrupted(id)
      // A slot would let it go on without its deadline: it asks for one when it is told to go on.
      slots.note(id, population.find(id)?.committed.context.owner ?? '', 'rest')
    },
    ...(soon && { soon }),
  })
  const resuming = resumption({
    find: (id) => population.find(id)?.actor.getSnapshot(),
    tell: (id, type) => void population.send(id, { type, at: clock.now(), by: 'system:provisioner' }),
    turn,
  })
  const slots = makeSlots(settings.concurrency, (id) =>
    population.send(id, { type: 'granted', at: clock.now(), by: 'system:provisioner' }),
  )
  const expiring = expiry({
    store,
    clock,
    log,
    expire(id, at) {
      const by = 'system:expiry'
      if (!population.send(id, { type: 'expire', at, by }))
        attempt('an expiry', async () => {
          if ((await population.deleteAside(id, { event: 'expire', at, by })).kind === 'begun') resuming.resume(id)
        })
    },
  })
  const engines = [...providers.values()].map((provider) =>
    reconcile({ provider, population, journal, clock, log, connected: () => nudge(provider.name) }),
  )

  function providerOf(id: WorkspaceId): Provider {
    const name = population.find(id)?.committed.context.provider
    const provider = name && providers.get(name)
    if (!provider) throw new Error(`workspace ${id} names a provider that is not set up: ${name}`)
    return provider
  }

  function committed(steps: readonly Committed[], calm: boolean) {
    for (const { id, before, after, line } of steps) {
      const { owner, expiresAt } = after.context
      if (line) log.debug({ workspace: id, ...line }, 'committed')
      // One that was cut off asks for a slot when it is told to go on: without that, it has no deadline.
      slots.note(id, owner, resuming.has(id) ? 'rest' : phaseOf(after))
      if (line && isStubborn(after))
        log.warn(
          { workspace: id, reason: after.context.reason },
          'a deleted workspace cannot be removed from its engine',
        )
      if (expiresAt !== null && expiresAt !== before?.context.expiresAt) expiring.note(expiresAt)
      if (after.status === 'done') {
        for (const wake of awaited.get(id) ?? []) wake()
        for (const engine of engines) engine.left(id)
      } else if (atRest(after)) for (const engine of engines) engine.rested(id)
    }
    if (steps.length > 0) attempt('telling of what was committed', told)
    attempt('counting what was committed', () => observer?.committed(steps))
    if (calm && !closed) slots.pump() // after a loss the sweep does it: a full disk would be a hot loop
  }

  /** Those that wait for an engine go on at once when it is back. */
  function nudge(name: ProviderName) {
    const ids: WorkspaceId[] = []
    for (const [id, { committed: snapshot }] of population.all())
      if (snapshot.context.provider === name && snapshot.can({ type: 'wake', at: 0, by: '' })) ids.push(id)
    attempt('going on with an engine that is back', () => resuming.wake(ids))
  }

  /** What fails here is logged and comes round again: a disk that does not read must not end the service. */
  function attempt(what: string, run: () => void | Promise<void>) {
    void (async () => run())().catch((error: unknown) => missed(what, error))
  }

  function missed(what: string, error: unknown) {
    if (!closed) log.error({ err: error }, `${what} did not succeed and comes round again`)
  }

  async function rehydrate() {
    let last: number | undefined = 0
    while (last !== undefined) {
      await turn()
      if (closed) return
      try {
        const rows = store.after(last, chunk)
        population.rehydrate(rows)
        last = rows.at(-1)?.seq
      } catch (error) {
        log.error({ err: error, after: last }, 'stored workspaces cannot be read, which is tried again')
        await new Promise<void>((resolve) => void clock.timer(retryMs, resolve))
      }
    }
    rehydrating = false
    population.rehydrated()
    // An inventory before this one may have been held against some of them only.
    for (const engine of engines) if (engine.fault() === null) attempt('a reconciliation', engine.all)
    await resuming.resumeAll()
    expiring.sweep()
  }

  const sweeps = upkeepSweeps({ ...deps, resuming, slots, expiring, engines, missed })
  const rehydrated = rehydrate()

  return {
    population,
    /** Settles when every stored workspace is alive and what was cut off is under way again. */
    rehydrated,
    rehydrating: () => rehydrating,
    resume: resuming.resume,
    hearing,
    /** Waits until the workspace's last step is on disk, for at most so long. */
    gone(id: WorkspaceId, atMostMs: number): Promise<void> {
      if (!population.find(id)) return Promise.resolve()
      return new Promise((resolve) => {
        const others = awaited.get(id) ?? new Set()
        awaited.set(id, others)
        const wake = () => {
          cancel()
          others.delete(wake)
          if (others.size === 0) awaited.delete(id)
          resolve()
        }
        const cancel = clock.timer(atMostMs, wake)
        others.add(wake)
      })
    },
    /** Why no work gets done, of each engine that does not answer. */
    faults: () => engines.flatMap((engine) => engine.fault() ?? []),
    /** Containers of ours that nobody here ever heard of. */
    strays: () =>
      engines
        .flatMap((engine) => engine.strays())
        // What became of one since the inventory, the next inventory does not see at once.
        .filter(
          ({ workspaceId: id }) =>
            !population.find(id) && !population.aside(id) && journal.remembered(id) !== 'deleted',
        ),
    /** Holds what the engines have against what is known, now. */
    async reconcile() {
      await Promise.all(engines.map((engine) => engine.all()))
    },
    queue: slots.counts,
    sweeps: sweeps.read,
    expiryHeldUntil: expiring.heldUntil,
    /** Ends all of it; the workspaces stay as they are (law 12). */
    async close() {
      closed = true
      resuming.close()
      sweeps.end()
      expiring.close()
      for (const engine of engines) engine.close()
      await population.close()
      hearing.close()
    },
  }
}
