import { randomBytes } from 'node:crypto'
import type { EngineNotice, Provider } from '../../../src/provider/provider.ts'
import type { ContainerExit, ContainerRecord } from '../../../src/workspace/container.ts'
import { ok, type Fault, fault, type Outcome } from '../../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { LifecycleCommand, WorkspaceSpec } from '../../../src/workspace/spec.ts'
import type { ProviderName } from '../../../src/workspace/workspace-ref.ts'
import { unsupportedGuest } from './unsupported-guest.ts'

export type ProviderVerb = Exclude<keyof Provider, 'name' | 'watch' | 'guest'>

/** One call of a provider. `workspaceId` is `null` for `list` and `ping`. */
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

/** May wait. A fault that it returns becomes the result of the call. */
export type CallHook = (call: ProviderCall, signal: AbortSignal) => Promise<Fault | undefined> | Fault | undefined

/** An engine in memory. It outlives its providers, as a real engine outlives the service. */
export interface FakeEngine {
  /** A provider for an installation. All providers of an installation have the same containers. */
  provider(installation?: string, name?: ProviderName): Provider
  /** Every container of every installation, by container id. */
  readonly containers: ReadonlyMap<string, FakeContainer>
  /** All calls, oldest first, whatever their result. */
  readonly calls: readonly ProviderCall[]
  /** Runs a hook before the work of each call of a verb, for latency, a hang, or a fault without effect. Returns a function that removes it. */
  before(verb: ProviderVerb, hook: CallHook): () => void
  /** Runs a hook after the work, for a crash between work and result, or a fault of a call that took effect. */
  after(verb: ProviderVerb, hook: CallHook): () => void
  /** Makes the next call of a verb return the fault; with `worked`, after it took effect (law 3). Several calls queue up. */
  failNext(verb: ProviderVerb, fault: Fault, options?: { readonly worked: boolean }): void
  /** Makes every verb return `unavailable`, and notifies watchers. Containers run on. */
  disconnect(): void
  /** Ends `disconnect()`, and notifies watchers. */
  reconnect(): void
  readonly disconnected: boolean
  /** Ends a container, by default as killed. Notifies watchers unless disconnected. */
  exitContainer(containerId: string, exitContainer?: Partial<ContainerExit>): void
  /** Removes the labels of a container, so that only its id finds it. */
  loseLabels(containerId: string): void
  /** Removes a container. Notifies watchers unless disconnected. */
  removeByHand(containerId: string): void
  /** Adds a container without a provider, `created` by default. Returns its id. */
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
  const disconnectedFault: Fault = {
    kind: 'unavailable',
    message: 'The fake engine is disconnected. Call reconnect().',
  }

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
      ping: (signal) => performCall({ verb: 'ping', workspaceId: null }, signal, () => ok(undefined)),
      watch: (tell) => {
        const listener = { installation, tell }
        listeners.add(listener)
        // After watch() has returned, as with a real engine.
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

/** Interprets `exit N` and `false`; any other command succeeds. */
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
