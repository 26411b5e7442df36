import { fromPromise } from 'xstate'
import type { EffectInput, EffectResult } from '../machines/workspace-event.ts'
import { workspaceMachine } from '../machines/workspace-machine.ts'
import type { Provider } from '../provider/provider.ts'
import { fault } from '../workspace/fault.ts'
import type { Outcome } from '../workspace/fault.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'
import type { Clock } from '../workspace/clock.ts'
import type { CommitLog } from './commit-log.ts'
import type { LifecycleOutputLog } from './lifecycle-output-log.ts'

export interface EffectDeps {
  readonly clock: Clock
  readonly log: Log
  readonly commits: Pick<CommitLog, 'whenCommitted'>
  readonly providers: ReadonlyMap<ProviderName, Provider>
  readonly lifecycleOutput: Pick<LifecycleOutputLog, 'append' | 'flush'>
}

/** How long an effect waits for the aborted one before it. */
const previousEffectTimeoutMs = 60_000

type ProgressListener = (id: WorkspaceId, text: string) => void

type Verb<T> = (
  provider: Provider,
  workspace: EffectInput,
  signal: AbortSignal,
  onProgress: (text: string) => void,
) => Promise<Outcome<T>>

/**
 * Returns the statechart with its effects. Each effect waits until its transition is on disk (law 1), then calls the provider, and ends
 * with a value (law 13).
 */
export function machineWithEffects({ clock, log, commits, providers, lifecycleOutput }: EffectDeps) {
  const listeners: ProgressListener[] = []
  const runInOrder = effectQueue(clock)

  async function callProvider<T>(
    name: string,
    verb: Verb<T>,
    input: EffectInput,
    signal: AbortSignal,
  ): Promise<Outcome<T>> {
    try {
      const provider = providers.get(input.provider)
      if (!provider) throw new Error(`the provider ${input.provider} is not set up`)
      return await verb(provider, input, signal, (text) => {
        if (!signal.aborted) for (const listener of listeners) listener(input.id, text)
      })
    } catch (bug) {
      log.error({ err: bug, workspace: input.id, effect: name }, 'an effect threw: this is a bug in vm-api')
      return fault('transient', `vm-api itself failed: ${bug instanceof Error ? bug.message : String(bug)}`)
    }
  }

  function effect<T>(name: string, verb: Verb<T>) {
    return fromPromise<EffectResult<T>, EffectInput>(async ({ input, signal }) => {
      const committed = commits.whenCommitted(input.id)
      const outcome = await runInOrder(input.id, async () => {
        // A transition that was not written, or that another one followed in the same turn, has no effect.
        const cancelled = (await committed) !== undefined || signal.aborted
        return cancelled ? fault('transient', 'this step was cancelled') : callProvider(name, verb, input, signal)
      })
      return { ...outcome, at: clock.now(), jitter: clock.jitter() }
    })
  }

  const machine = workspaceMachine.provide({
    actors: {
      image: effect('image', (provider, workspace, ...rest) => provider.image(workspace, ...rest)),
      container: effect('container', (provider, workspace, signal) => provider.container(workspace, signal)),
      boot: effect('boot', (provider, workspace, signal) => provider.boot(workspace, signal)),
      setup: effect('setup', async (provider, workspace, ...rest) => {
        const outcome = await provider.setup(workspace, ...rest, (command, output) =>
          lifecycleOutput.append(workspace.id, command, output),
        )
        lifecycleOutput.flush() // complete before clients see that the setup has ended
        return outcome
      }),
      stop: effect('stop', (provider, workspace, signal) => provider.stop(workspace, signal)),
      remove: effect('remove', (provider, { id, containerId }, signal) => provider.remove(id, containerId, signal)),
      timer: fromPromise(
        ({ input, signal }) =>
          new Promise((resolve) => {
            const cancel = clock.timer(input.at - clock.now(), () => resolve({ at: clock.now() }))
            signal.addEventListener('abort', cancel, { once: true })
          }),
      ),
    },
  })
  return {
    machine,
    /** Calls `listener` with what a running effect says about itself. */
    onProgress: (listener: ProgressListener) => void listeners.push(listener),
  }
}

/** Runs the effects of each workspace one at a time: a removal must not overtake the create that it aborted. */
function effectQueue(clock: Clock) {
  const inFlight = new Map<WorkspaceId, Promise<unknown>>()

  function waitAtMost(ms: number, settled: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.timer(ms, resolve)
      void settled.then(() => {
        cancel()
        resolve()
      })
    })
  }

  return async function runInOrder<T>(id: WorkspaceId, run: () => Promise<T>): Promise<T> {
    const previous = inFlight.get(id)
    const current = (async () => {
      if (previous) await waitAtMost(previousEffectTimeoutMs, previous)
      return await run()
    })()
    const settled = current.then(
      () => undefined,
      () => undefined,
    )
    inFlight.set(id, settled)
    try {
      return await current
    } finally {
      if (inFlight.get(id) === settled) inFlight.delete(id)
    }
  }
}
