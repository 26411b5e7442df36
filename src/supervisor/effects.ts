import { fromPromise } from 'xstate'
import type { EffectResult } from '../machines/workspace-event.ts'
import { workspaceMachine } from '../machines/workspace-machine.ts'
import type { Provider } from '../provider/provider.ts'
import { fault } from '../workspace/fault.ts'
import type { Outcome } from '../workspace/fault.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { WorkspaceRef } from '../workspace/workspace-ref.ts'
import type { Clock } from '../workspace/clock.ts'
import type { WorkspaceLogic } from './workspace-logic.ts'
import type { LifecycleOutputLog } from './lifecycle-output-log.ts'

export interface EffectDeps {
  readonly clock: Clock
  readonly log: Log
  /** Waits for the disk; true if the step is lost and nothing may begin (law 1). */
  readonly writeFailed: (id: WorkspaceId) => Promise<boolean>
  readonly providerOf: (id: WorkspaceId) => Provider
  readonly onProgress: (id: WorkspaceId, text: string) => void
  readonly lifecycleOutput: Pick<LifecycleOutputLog, 'append' | 'flush'>
}

/** How long an effect waits for the one before it, which was told to end. */
const previousEffectTimeoutMs = 60_000

type Verb<T> = (
  provider: Provider,
  workspace: WorkspaceRef,
  signal: AbortSignal,
  onProgress: (text: string) => void,
) => Promise<Outcome<T>>

/** The statechart with its effects: each waits for its step to be on disk, then asks the provider, and answers a value (law 13). */
export function withEffects({
  clock,
  log,
  writeFailed,
  providerOf,
  onProgress,
  lifecycleOutput,
}: EffectDeps): WorkspaceLogic {
  const inFlight = new Map<WorkspaceId, Promise<unknown>>()

  // One verb at a time for each workspace: a removal must not overtake the create that it cut off.
  async function runSequentially<T>(id: WorkspaceId, run: () => Promise<T>): Promise<T> {
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

  function waitAtMost(ms: number, settled: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.timer(ms, resolve)
      void settled.then(() => {
        cancel()
        resolve()
      })
    })
  }

  function effect<T>(name: string, verb: Verb<T>) {
    return fromPromise<EffectResult<T>, WorkspaceRef>(async ({ input, signal }) => {
      const failed = writeFailed(input.id)
      const outcome = await runSequentially(input.id, async (): Promise<Outcome<T>> => {
        // Lost, or left again in the same turn: it never begins, and nobody hears what it answers.
        if ((await failed) || signal.aborted) return fault('transient', 'this step was called off')
        try {
          return await verb(providerOf(input.id), input, signal, (text) => {
            if (!signal.aborted) onProgress(input.id, text)
          })
        } catch (bug) {
          log.error({ err: bug, workspace: input.id, effect: name }, 'an effect threw: this is a bug in vm-api')
          return fault('transient', `vm-api itself failed: ${bug instanceof Error ? bug.message : String(bug)}`)
        }
      })
      return { ...outcome, at: clock.now(), jitter: clock.jitter() }
    })
  }

  return workspaceMachine.provide({
    actors: {
      image: effect('image', (provider, workspace, signal, reportProgress) =>
        provider.image(workspace, signal, reportProgress),
      ),
      container: effect('container', (provider, workspace, signal) => provider.container(workspace, signal)),
      boot: effect('boot', (provider, workspace, signal) => provider.boot(workspace, signal)),
      setup: effect('setup', async (provider, workspace, signal, reportProgress) => {
        const outcome = await provider.setup(workspace, signal, reportProgress, (command, output) =>
          lifecycleOutput.append(workspace.id, command, output),
        )
        // Before anybody hears that it has ended.
        lifecycleOutput.flush()
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
}
