import { randomBytes } from 'node:crypto'
import type { EngineNotice, Provider } from '../../../src/provider/provider.ts'
import type { ContainerExit, ContainerRecord } from '../../../src/workspace/container.ts'
import { ok, type Fault, fault, type Outcome } from '../../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { LifecycleCommand, WorkspaceSpec } from '../../../src/workspace/spec.ts'
import type { ProviderName } from '../../../src/workspace/workspace-ref.ts'
import { unsupportedGuest } from './unsupported-guest.ts'

export type ProviderVerb = Exclude<keyof Provider, 'name' | 'watch' | 'inside'>

/** One request that the engine was asked. `workspaceId` is `null` for `inventory`, `clear` and `ready`. */
export interface ProviderCall {
  readonly verb: ProviderVerb
  readonly workspaceId: WorkspaceId | null
  /** The container id that a `remove` names. */
  readonly containerId?: string | null
}

export interface FakeContainer {
  readonly containerId: string
  readonly installation: string
  readonly workspaceId: WorkspaceId
  readonly state: ContainerRecord['state']
  readonly labels?: ContainerRecord['labels']
  /** Names of the lifecycle commands that were run in it, in order, the failed one too. */
  readonly ran: readonly string[]
}

/** Waits as long as it likes; a fault that it returns is answered in place of the truth. */
export type CallHook = (call: ProviderCall, signal: AbortSignal) => Promise<Fault | undefined> | Fault | undefined

/** An engine in memory. One engine stands for one host: it outlives the providers, as a real one outlives the service. */
export interface FakeEngine {
  /** A provider object for an installation; any number of them see the same containers. */
  provider(installation?: string, name?: ProviderName): Provider
  /** Every container of every installation, by container id. */
  readonly containers: ReadonlyMap<string, FakeContainer>
  /** What was asked, oldest first, whatever came of it. */
  readonly calls: readonly ProviderCall[]
  /** Holds up each request of a kind before any work is done: latency, a hang, or a fault with nothing done. Returns the way to stop it. */
  before(verb: ProviderVerb, hook: CallHook): () => void
  /** Holds up each answer of a kind after the work is done: a crash between work and answer, or the 500 that did the work all the same. */
  after(verb: ProviderVerb, hook: CallHook): () => void
  /** The next request of this kind is answered with the fault; with `worked`, after it did what it was asked (law 3). Queues up. */
  failNext(verb: ProviderVerb, fault: Fault, options?: { readonly worked: boolean }): void
  /** From now on every verb answers `away`, and watchers are told `lost`. Containers go on. */
  disconnect(): void
  /** The engine answers again, and watchers are told `connected`. */
  reconnect(): void
  readonly disconnected: boolean
  /** The container ends as said; by default killed. Watchers are told `changed`, unless the engine is away. */
  exitContainer(containerId: string, exitContainer?: Partial<ContainerExit>): void
  /** The container is not found by its labels any more, only by its id. */
  loseLabels(containerId: string): void
  /** The container vanishes. Watchers are told `changed`, unless the engine is away. */
  removeByHand(containerId: string): void
  /** Puts a container there that no provider has made; `made` unless said otherwise. Answers its id. */
  placeContainer(
    workspaceId: WorkspaceId,
    state?: ContainerRecord['state'],
    installation?: string,
    labels?: ContainerRecord['labels'],
  ): string
}

export function fakeEngine(): FakeEngine {
  type StoredContainer = { -readonly [K in keyof FakeContainer]: K extends 'ran' ? string[] : FakeContainer[K] }
  const containers = new Map<string, StoredContainer>()
  const unlabelled = new Set<string>()
  const calls: ProviderCall[] = []
  const hooks = { before: new Map<ProviderVerb, Set<CallHook>>(), after: new Map<ProviderVerb, Set<CallHook>>() }
  const listeners = new Set<{ installation: string; tell: (notice: EngineNotice) => void }>()
  let disconnected = false
  const disconnectedFault: Fault = { kind: 'unavailable', message: 'The fake engine is away. Call comeBack().' }

  function hook(when: 'before' | 'after', verb: ProviderVerb, callHook: CallHook): () => void {
    const set = hooks[when].get(verb) ?? new Set()
    hooks[when].set(verb, set.add(callHook))
    return () => void set.delete(callHook)
  }

  function notifyChanged(container: StoredContainer): void {
    if (disconnected) return
    for (const { installation, tell } of listeners)
      if (installation === container.installation) tell({ kind: 'changed', workspaceId: container.workspaceId })
  }

  function removeContainer(container: StoredContainer): void {
    if (containers.delete(container.containerId)) notifyChanged(container)
  }

  function endContainer(container: StoredContainer, exit: ContainerExit): void {
    if (container.state.kind !== 'running') return
    container.state = { kind: 'exited', exit }
    notifyChanged(container)
  }

  const placeContainer: FakeEngine['placeContainer'] = (
    workspaceId,
    state = { kind: 'created' },
    installation = 'here',
    labels = {},
  ) => {
    const containerId = randomBytes(32).toString('hex')
    containers.set(containerId, { containerId, installation, workspaceId, state, labels, ran: [] })
    return containerId
  }

  async function performCall<T>(call: ProviderCall, signal: AbortSignal, work: () => Outcome<T>): Promise<Outcome<T>> {
    calls.push(call)
    const faultBefore = await runHooks('before', call, signal)
    if (faultBefore !== undefined) return { ok: false, fault: faultBefore }
    const outcome = work()
    const faultAfter = await runHooks('after', call, signal)
    return faultAfter === undefined ? outcome : { ok: false, fault: faultAfter }
  }

  async function runHooks(
    when: 'before' | 'after',
    call: ProviderCall,
    signal: AbortSignal,
  ): Promise<Fault | undefined> {
    const aborted: Fault = { kind: 'transient', message: `The request ${call.verb} was aborted.` }
    for (const callHook of hooks[when].get(call.verb) ?? []) {
      if (signal.aborted) return aborted
      if (disconnected) return disconnectedFault
      let stop: () => void = () => undefined
      const abort = new Promise<Fault>((resolve) => {
        stop = () => resolve(aborted)
        signal.addEventListener('abort', stop)
      })
      const hookFault = await Promise.race([callHook(call, signal), abort])
      signal.removeEventListener('abort', stop)
      if (hookFault !== undefined) return hookFault
    }
    await Promise.resolve()
    if (signal.aborted) return aborted
    return disconnected ? disconnectedFault : undefined
  }

  function provider(installation = 'here', name: ProviderName = 'docker'): Provider {
    const isOwn = ({ containerId, ...container }: StoredContainer) =>
      container.installation === installation && !unlabelled.has(containerId)
    const ownContainer = (id: WorkspaceId) =>
      [...containers.values()].find((container) => container.workspaceId === id && isOwn(container))
    const requireContainer = (id: WorkspaceId, containerId: string | null): Outcome<StoredContainer> => {
      const container = ownContainer(id)
      return container !== undefined && container.containerId === containerId
        ? ok(container)
        : fault('missing', `There is no container ${containerId} of the workspace ${id}.`)
    }
    return {
      name,
      guest: unsupportedGuest,
      image: ({ id, spec }, signal, progress) =>
        performCall({ verb: 'image', workspaceId: id }, signal, () => {
          progress(`Pulling ${spec.image}`)
          return ok({ imageId: `sha256:${spec.image}` })
        }),
      container: ({ id, owner, name, template }, signal) =>
        performCall({ verb: 'container', workspaceId: id }, signal, () =>
          ok({
            containerId:
              ownContainer(id)?.containerId ?? placeContainer(id, undefined, installation, { owner, name, template }),
          }),
        ),
      boot: ({ id, containerId }, signal) =>
        performCall({ verb: 'boot', workspaceId: id }, signal, () => {
          const container = requireContainer(id, containerId)
          if (!container.ok) return container
          const connection = { container_id: container.value.containerId.slice(0, 12) }
          container.value.state = { kind: 'running', connection }
          return ok({ connection })
        }),
      setup: ({ id, containerId, spec, prepared }, signal, progress) =>
        performCall({ verb: 'setup', workspaceId: id }, signal, () => {
          const container = requireContainer(id, containerId)
          if (!container.ok) return container
          if (container.value.state.kind !== 'running')
            return fault('transient', 'The container does not run. Boot it first.')
          return runCommands(lifecycleCommandsOf(spec, prepared), container.value.ran, progress)
        }),
      stop: ({ id }, signal) =>
        performCall({ verb: 'stop', workspaceId: id }, signal, () => {
          const container = ownContainer(id)
          if (container !== undefined)
            endContainer(container, { code: 0, outOfMemory: false, wentDownWithEngine: false })
          return ok(undefined)
        }),
      remove: (id, containerId, signal) =>
        performCall({ verb: 'remove', workspaceId: id, containerId }, signal, () => {
          for (const container of containers.values()) {
            const isNamed = container.containerId === containerId && container.installation === installation
            if (isNamed || (container.workspaceId === id && isOwn(container))) removeContainer(container)
          }
          return ok(undefined)
        }),
      inspect: (id, signal) =>
        performCall({ verb: 'inspect', workspaceId: id }, signal, () => {
          const container = ownContainer(id)
          return ok(container === undefined ? null : recordOf(container))
        }),
      list: (signal) =>
        performCall({ verb: 'list', workspaceId: null }, signal, () =>
          ok([...containers.values()].filter(isOwn).map(recordOf)),
        ),
      clear: (signal) => performCall({ verb: 'clear', workspaceId: null }, signal, () => ok(undefined)),
      ping: (signal) => performCall({ verb: 'ping', workspaceId: null }, signal, () => ok(undefined)),
      watch: (tell) => {
        const listener = { installation, tell }
        listeners.add(listener)
        // Not before watch() has returned: a real engine cannot answer sooner either.
        queueMicrotask(() => {
          if (listeners.has(listener))
            tell(disconnected ? { kind: 'disconnected', fault: disconnectedFault } : { kind: 'connected' })
        })
        return { close: () => void listeners.delete(listener) }
      },
    }
  }

  return {
    provider,
    containers,
    calls,
    before: (verb, callHook) => hook('before', verb, callHook),
    after: (verb, callHook) => hook('after', verb, callHook),
    failNext: (verb, next, { worked } = { worked: false }) => {
      const removeHook = hook(worked ? 'after' : 'before', verb, () => {
        removeHook()
        return next
      })
    },
    disconnect: () => {
      if (disconnected) return
      disconnected = true
      for (const { tell } of listeners) tell({ kind: 'disconnected', fault: disconnectedFault })
    },
    reconnect: () => {
      if (!disconnected) return
      disconnected = false
      for (const { tell } of listeners) tell({ kind: 'connected' })
    },
    get disconnected() {
      return disconnected
    },
    exitContainer: (containerId, exit = {}) => {
      const container = containers.get(containerId)
      if (container !== undefined)
        endContainer(container, { code: 137, outOfMemory: false, wentDownWithEngine: false, ...exit })
    },
    loseLabels: (containerId) => void unlabelled.add(containerId),
    removeByHand: (containerId) => {
      const container = containers.get(containerId)
      if (container !== undefined) removeContainer(container)
    },
    placeContainer,
  }
}

function recordOf({ workspaceId, containerId, state, labels = {} }: FakeContainer): ContainerRecord {
  return { workspaceId, containerId, state, labels }
}

function lifecycleCommandsOf(spec: WorkspaceSpec, prepared: boolean): readonly LifecycleCommand[] {
  return prepared ? spec.postStart : [...spec.onCreate, ...spec.postCreate, ...spec.postStart]
}

/** Of a shell it understands `exit N` and `false`; anything else succeeds. */
function runCommands(
  commands: readonly LifecycleCommand[],
  ran: string[],
  progress: (text: string) => void,
): Outcome<void> {
  for (const { name, run } of commands) {
    progress(`Running ${name}`)
    ran.push(name)
    const text = typeof run === 'string' ? run.trim() : run.join(' ')
    const code = text === 'false' ? 1 : Number(/^exit (\d+)$/.exec(text)?.[1] ?? 0)
    if (code !== 0) return fault('permanent', `${name} failed with exit code ${code}.`)
  }
  return ok(undefined)
}
