import { randomBytes } from 'node:crypto'
import type { Notice, Provider } from '../../src/provider/provider.ts'
import type { Exit, Found } from '../../src/workspace/container.ts'
import { done, type Fault, fault, type Outcome } from '../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { LifecycleCommand, Recipe } from '../../src/workspace/recipe.ts'
import type { ProviderName } from '../../src/workspace/subject.ts'
import { nothingInside } from './nothing-inside.ts'

export type Verb = Exclude<keyof Provider, 'name' | 'watch' | 'inside'>

/** One request that the engine was asked. `workspaceId` is `null` for `inventory`, `clear` and `ready`. */
export interface Call {
  readonly verb: Verb
  readonly workspaceId: WorkspaceId | null
}

export interface FakeContainer {
  readonly containerId: string
  readonly installation: string
  readonly workspaceId: WorkspaceId
  readonly state: Found['state']
  readonly labelled?: Found['labelled']
  /** Names of the lifecycle commands that were run in it, in order, the failed one too. */
  readonly ran: readonly string[]
}

/** Waits as long as it likes; a fault that it returns is answered in place of the truth. */
export type Hook = (call: Call, signal: AbortSignal) => Promise<Fault | undefined> | Fault | undefined

/** An engine in memory. One engine stands for one host: it outlives the providers, as a real one outlives the service. */
export interface FakeEngine {
  /** A provider object for an installation; any number of them see the same containers. */
  provider(installation?: string, name?: ProviderName): Provider
  /** Every container of every installation, by container id. */
  readonly containers: ReadonlyMap<string, FakeContainer>
  /** What was asked, oldest first, whatever came of it. */
  readonly calls: readonly Call[]
  /** Holds up each request of a kind before any work is done: latency, a hang, or a fault with nothing done. Returns the way to stop it. */
  before(verb: Verb, hook: Hook): () => void
  /** Holds up each answer of a kind after the work is done: a crash between work and answer, or the 500 that did the work all the same. */
  after(verb: Verb, hook: Hook): () => void
  /** The next request of this kind is answered with the fault; with `worked`, after it did what it was asked (law 3). Queues up. */
  failNext(verb: Verb, fault: Fault, how?: { readonly worked: boolean }): void
  /** From now on every verb answers `away`, and watchers are told `lost`. Containers go on. */
  leave(): void
  /** The engine answers again, and watchers are told `connected`. */
  comeBack(): void
  readonly away: boolean
  /** The container ends as said; by default killed. Watchers are told `changed`, unless the engine is away. */
  exit(containerId: string, exit?: Partial<Exit>): void
  /** The container vanishes. Watchers are told `changed`, unless the engine is away. */
  removeByHand(containerId: string): void
  /** Puts a container there that no provider has made; `made` unless said otherwise. Answers its id. */
  place(workspaceId: WorkspaceId, state?: Found['state'], installation?: string, labelled?: Found['labelled']): string
}

export function fakeEngine(): FakeEngine {
  type Stored = { -readonly [K in keyof FakeContainer]: K extends 'ran' ? string[] : FakeContainer[K] }
  const containers = new Map<string, Stored>()
  const calls: Call[] = []
  const hooks = { before: new Map<Verb, Set<Hook>>(), after: new Map<Verb, Set<Hook>>() }
  const listeners = new Set<{ installation: string; tell: (notice: Notice) => void }>()
  let away = false
  const awayFault: Fault = { again: 'away', message: 'The fake engine is away. Call comeBack().' }

  function hook(when: 'before' | 'after', verb: Verb, run: Hook): () => void {
    const set = hooks[when].get(verb) ?? new Set()
    hooks[when].set(verb, set.add(run))
    return () => void set.delete(run)
  }

  function changed(container: Stored): void {
    if (away) return
    for (const { installation, tell } of listeners)
      if (installation === container.installation) tell({ kind: 'changed', workspaceId: container.workspaceId })
  }

  function vanish(container: Stored): void {
    if (containers.delete(container.containerId)) changed(container)
  }

  function end(container: Stored, exit: Exit): void {
    if (container.state.kind !== 'running') return
    container.state = { kind: 'exited', exit }
    changed(container)
  }

  const place: FakeEngine['place'] = (workspaceId, state = { kind: 'made' }, installation = 'here', labelled = {}) => {
    const containerId = randomBytes(32).toString('hex')
    containers.set(containerId, { containerId, installation, workspaceId, state, labelled, ran: [] })
    return containerId
  }

  async function ask<T>(call: Call, signal: AbortSignal, work: () => Outcome<T>): Promise<Outcome<T>> {
    calls.push(call)
    const early = await pass('before', call, signal)
    if (early !== undefined) return { ok: false, fault: early }
    const answer = work()
    const late = await pass('after', call, signal)
    return late === undefined ? answer : { ok: false, fault: late }
  }

  async function pass(when: 'before' | 'after', call: Call, signal: AbortSignal): Promise<Fault | undefined> {
    const aborted: Fault = { again: 'later', message: `The request ${call.verb} was aborted.` }
    for (const run of hooks[when].get(call.verb) ?? []) {
      if (signal.aborted) return aborted
      if (away) return awayFault
      let stop: () => void = () => undefined
      const abort = new Promise<Fault>((resolve) => {
        stop = () => resolve(aborted)
        signal.addEventListener('abort', stop)
      })
      const found = await Promise.race([run(call, signal), abort])
      signal.removeEventListener('abort', stop)
      if (found !== undefined) return found
    }
    await Promise.resolve()
    if (signal.aborted) return aborted
    return away ? awayFault : undefined
  }

  function provider(installation = 'here', name: ProviderName = 'docker'): Provider {
    const ours = (id: WorkspaceId) =>
      [...containers.values()].find((c) => c.workspaceId === id && c.installation === installation)
    const meant = (id: WorkspaceId, containerId: string | null): Outcome<Stored> => {
      const container = ours(id)
      return container !== undefined && container.containerId === containerId
        ? done(container)
        : fault('gone', `There is no container ${containerId} of the workspace ${id}.`)
    }
    return {
      name,
      inside: nothingInside,
      image: ({ id, recipe }, signal, progress) =>
        ask({ verb: 'image', workspaceId: id }, signal, () => {
          progress(`Pulling ${recipe.image}`)
          return done({ imageId: `sha256:${recipe.image}` })
        }),
      container: ({ id, owner, name, template }, signal) =>
        ask({ verb: 'container', workspaceId: id }, signal, () =>
          done({ containerId: ours(id)?.containerId ?? place(id, undefined, installation, { owner, name, template }) }),
        ),
      boot: ({ id, containerId }, signal) =>
        ask({ verb: 'boot', workspaceId: id }, signal, () => {
          const found = meant(id, containerId)
          if (!found.ok) return found
          const connection = { container_id: found.value.containerId.slice(0, 12) }
          found.value.state = { kind: 'running', connection }
          return done({ connection })
        }),
      setup: ({ id, containerId, recipe, prepared }, signal, progress) =>
        ask({ verb: 'setup', workspaceId: id }, signal, () => {
          const found = meant(id, containerId)
          if (!found.ok) return found
          if (found.value.state.kind !== 'running') return fault('later', 'The container does not run. Boot it first.')
          return runAll(commandsOf(recipe, prepared), found.value.ran, progress)
        }),
      halt: ({ id }, signal) =>
        ask({ verb: 'halt', workspaceId: id }, signal, () => {
          const container = ours(id)
          if (container !== undefined) end(container, { code: 0, outOfMemory: false, withEngine: false })
          return done(undefined)
        }),
      remove: (id, _containerId, signal) =>
        ask({ verb: 'remove', workspaceId: id }, signal, () => {
          for (const container of containers.values())
            if (container.workspaceId === id && container.installation === installation) vanish(container)
          return done(undefined)
        }),
      inspect: (id, signal) =>
        ask({ verb: 'inspect', workspaceId: id }, signal, () => {
          const container = ours(id)
          return done(container === undefined ? null : foundOf(container))
        }),
      inventory: (signal) =>
        ask({ verb: 'inventory', workspaceId: null }, signal, () =>
          done([...containers.values()].filter((c) => c.installation === installation).map(foundOf)),
        ),
      clear: (signal) => ask({ verb: 'clear', workspaceId: null }, signal, () => done(undefined)),
      ready: (signal) => ask({ verb: 'ready', workspaceId: null }, signal, () => done(undefined)),
      watch: (tell) => {
        const listener = { installation, tell }
        listeners.add(listener)
        // Not before watch() has returned: a real engine cannot answer sooner either.
        queueMicrotask(() => {
          if (listeners.has(listener)) tell(away ? { kind: 'lost', fault: awayFault } : { kind: 'connected' })
        })
        return { close: () => void listeners.delete(listener) }
      },
    }
  }

  return {
    provider,
    containers,
    calls,
    before: (verb, run) => hook('before', verb, run),
    after: (verb, run) => hook('after', verb, run),
    failNext: (verb, next, { worked } = { worked: false }) => {
      const off = hook(worked ? 'after' : 'before', verb, () => {
        off()
        return next
      })
    },
    leave: () => {
      if (away) return
      away = true
      for (const { tell } of listeners) tell({ kind: 'lost', fault: awayFault })
    },
    comeBack: () => {
      if (!away) return
      away = false
      for (const { tell } of listeners) tell({ kind: 'connected' })
    },
    get away() {
      return away
    },
    exit: (containerId, exit = {}) => {
      const container = containers.get(containerId)
      if (container !== undefined) end(container, { code: 137, outOfMemory: false, withEngine: false, ...exit })
    },
    removeByHand: (containerId) => {
      const container = containers.get(containerId)
      if (container !== undefined) vanish(container)
    },
    place,
  }
}

function foundOf({ workspaceId, containerId, state, labelled = {} }: FakeContainer): Found {
  return { workspaceId, containerId, state, labelled }
}

function commandsOf(recipe: Recipe, prepared: boolean): readonly LifecycleCommand[] {
  return prepared ? recipe.postStart : [...recipe.onCreate, ...recipe.postCreate, ...recipe.postStart]
}

/** Of a shell it understands `exit N` and `false`; anything else succeeds. */
function runAll(commands: readonly LifecycleCommand[], ran: string[], progress: (text: string) => void): Outcome<void> {
  for (const { name, run } of commands) {
    progress(`Running ${name}`)
    ran.push(name)
    const text = typeof run === 'string' ? run.trim() : run.join(' ')
    const code = text === 'false' ? 1 : Number(/^exit (\d+)$/.exec(text)?.[1] ?? 0)
    if (code !== 0) return fault('never', `${name} failed with exit code ${code}.`)
  }
  return done(undefined)
}
