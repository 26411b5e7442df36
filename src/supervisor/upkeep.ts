// Keeps everything going without being asked: brings the actors back, resumes what was cut off, grants slots, expires, reconciles.
import type { WorkspaceSnapshot } from '../machines/workspace-view.ts'
import type { Journal } from '../persistence/journal.ts'
import type { KeptAnswers } from '../persistence/idempotency.ts'
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { Provider } from '../provider/provider.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { ProviderName } from '../workspace/subject.ts'
import type { Clock } from './clock.ts'
import { withEffects } from './effects.ts'
import { expiry } from './expiry.ts'
import type { Committed, Population } from './population.ts'
import { population as populate } from './population.ts'
import { reconcile } from './reconcile.ts'
import type { Phase } from './slots.ts'
import { slots as makeSlots } from './slots.ts'
import { atRest } from './verdict.ts'

export interface UpkeepDeps {
  readonly store: WorkspaceStore
  readonly journal: Journal
  readonly answers: KeptAnswers
  /** Empties the database's log while nothing else is going on. */
  readonly checkpoint: () => void
  /** Every provider that a workspace may name. */
  readonly providers: ReadonlyMap<ProviderName, Provider>
  readonly clock: Clock
  readonly log: Log
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

/** Rows brought back, or actors resumed, before others get their turn. */
const chunk = 250
const day = 24 * 60 * 60_000
export const keyLifetimeMs = day

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

export function upkeep({ store, journal, answers, checkpoint, providers, clock, log, settings, soon }: UpkeepDeps) {
  const interrupted = new Set<WorkspaceId>()
  const awaited = new Map<WorkspaceId, Set<() => void>>()
  let rehydrating = true
  let closed = false

  const logic = withEffects({
    clock,
    log,
    lost: async (id) => (await population.onDisk(id)) !== undefined,
    providerOf,
    progress: (id, text) => void population.send(id, { type: 'progress', at: clock.now(), by: 'engine', text }),
  })
  const population: Population = populate({
    store,
    logic,
    log,
    now: clock.now,
    committed,
    interrupted: (id) => void interrupted.add(id),
    ...(soon && { soon }),
  })
  const slots = makeSlots(settings.concurrency, (id) => {
    const granted = population.send(id, { type: 'granted', at: clock.now(), by: 'system:provisioner' })
    const live = population.find(id)
    if (!granted && live) slots.note(id, live.committed.context.owner, 'rest')
  })
  const expiring = expiry({
    store,
    clock,
    log,
    expire(id, at) {
      const by = 'system:expiry'
      if (!population.send(id, { type: 'expire', at, by }) && population.deleteAside(id, at, by)) resume(id)
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
    for (const { id, before, after } of steps) {
      const { owner, expiresAt } = after.context
      slots.note(id, owner, phaseOf(after))
      if (expiresAt !== null && expiresAt !== before?.context.expiresAt) expiring.note(expiresAt)
      if (after.status === 'done') {
        for (const wake of awaited.get(id) ?? []) wake()
        awaited.delete(id)
      } else if (atRest(after)) for (const engine of engines) engine.rested(id)
    }
    if (calm && !closed) slots.pump() // after a loss the sweep does it: a full disk would be a hot loop
  }

  function resume(id: WorkspaceId) {
    interrupted.delete(id)
    population.send(id, { type: 'resume', at: clock.now(), by: 'system:provisioner' })
  }

  /** Those that wait for an engine go on at once when it is back. */
  function nudge(name: ProviderName) {
    for (const [id, { committed: snapshot }] of population.all())
      if (snapshot.context.provider === name && waits(snapshot)) interrupted.add(id)
    void resumeAll()
  }

  async function resumeAll() {
    let count = 0
    for (const id of interrupted) {
      if (closed) return
      resume(id)
      count += 1
      if (count % chunk === 0) await turn()
    }
  }

  async function rehydrate() {
    let last = 0
    for (;;) {
      const rows = store.after(last, chunk)
      for (const row of rows) population.rehydrate(row)
      const final = rows.at(-1)
      if (!final || closed) break
      last = final.seq
      await turn()
    }
    rehydrating = false
    for (const [id, { committed: snapshot }] of population.all())
      slots.note(id, snapshot.context.owner, phaseOf(snapshot))
    await resumeAll()
    if (!closed) expiring.sweep()
  }

  function provisionerSweep() {
    void resumeAll()
    slots.pump()
  }

  function janitorSweep() {
    expiring.sweep()
    for (const engine of engines) void engine.all()
    try {
      answers.prune(clock.now() - keyLifetimeMs)
      journal.prune(clock.now() - settings.journalDays * day, 500)
      checkpoint()
    } catch (error) {
      log.warn({ err: error }, 'the database could not be tidied up; it is tried again')
    }
  }

  function every(ms: number, sweep: () => void): () => void {
    let cancel = clock.timer(ms, function again() {
      sweep()
      cancel = clock.timer(ms, again)
    })
    return () => cancel()
  }

  const sweeps = [
    every(settings.provisionerIntervalMs, provisionerSweep),
    every(settings.janitorIntervalMs, janitorSweep),
  ]
  const rehydrated = rehydrate()

  return {
    population,
    /** Settles when every stored workspace is alive and what was cut off is under way again. */
    rehydrated,
    rehydrating: () => rehydrating,
    resume,
    /** Waits until the workspace's last step is on disk, for at most so long. */
    gone(id: WorkspaceId, atMostMs: number): Promise<void> {
      if (!population.find(id)) return Promise.resolve()
      return new Promise((resolve) => {
        const cancel = clock.timer(atMostMs, resolve)
        const wake = () => {
          cancel()
          resolve()
        }
        const others = awaited.get(id)
        if (others) others.add(wake)
        else awaited.set(id, new Set([wake]))
      })
    },
    /** Why no work gets done, of each engine that does not answer. */
    faults: () => engines.flatMap((engine) => engine.fault() ?? []),
    /** Containers of ours that nobody here ever heard of. */
    strays: () => engines.flatMap((engine) => engine.strays()),
    queue: slots.counts,
    /** Ends all of it; the workspaces stay as they are (law 12). */
    async close() {
      closed = true
      for (const end of sweeps) end()
      expiring.close()
      for (const engine of engines) engine.close()
      await population.close()
    },
  }
}

function phaseOf(snapshot: WorkspaceSnapshot): Phase {
  if (snapshot.status !== 'active') return 'rest'
  return snapshot.hasTag('queued') ? 'queued' : snapshot.hasTag('working') ? 'working' : 'rest'
}

function waits(snapshot: WorkspaceSnapshot): boolean {
  return snapshot.status === 'active' && snapshot.hasTag('waiting')
}
