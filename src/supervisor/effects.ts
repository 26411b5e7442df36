import { fromPromise } from 'xstate'
import type { Answer } from '../machines/workspace-event.ts'
import { workspaceMachine } from '../machines/workspace-machine.ts'
import type { Provider } from '../provider/provider.ts'
import { fault } from '../workspace/fault.ts'
import type { Outcome } from '../workspace/fault.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { Subject } from '../workspace/subject.ts'
import type { Clock } from './clock.ts'
import type { WorkspaceLogic } from './durable.ts'
import type { Hearing } from './hearing.ts'

export interface EffectDeps {
  readonly clock: Clock
  readonly log: Log
  /** Waits for the disk; true if the step is lost and nothing may begin (law 1). */
  readonly lost: (id: WorkspaceId) => Promise<boolean>
  readonly providerOf: (id: WorkspaceId) => Provider
  readonly progress: (id: WorkspaceId, text: string) => void
  readonly hearing: Pick<Hearing, 'heard' | 'write'>
}

/** How long an effect waits for the one before it, which was told to end. */
const patienceMs = 60_000

type Verb<T> = (
  provider: Provider,
  subject: Subject,
  signal: AbortSignal,
  progress: (text: string) => void,
) => Promise<Outcome<T>>

/** The statechart with its effects: each waits for its step to be on disk, then asks the provider, and answers a value (law 13). */
export function withEffects({ clock, log, lost, providerOf, progress, hearing }: EffectDeps): WorkspaceLogic {
  const underWay = new Map<WorkspaceId, Promise<unknown>>()

  // One verb at a time for each workspace: a removal must not overtake the create that it cut off.
  async function inTurn<T>(id: WorkspaceId, run: () => Promise<T>): Promise<T> {
    const before = underWay.get(id)
    const mine = (async () => {
      if (before) await atMost(patienceMs, before)
      return await run()
    })()
    const settled = mine.then(
      () => undefined,
      () => undefined,
    )
    underWay.set(id, settled)
    try {
      return await mine
    } finally {
      if (underWay.get(id) === settled) underWay.delete(id)
    }
  }

  function atMost(ms: number, settled: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.timer(ms, resolve)
      void settled.then(() => {
        cancel()
        resolve()
      })
    })
  }

  function effect<T>(name: string, verb: Verb<T>) {
    return fromPromise<Answer<T>, Subject>(async ({ input, signal }) => {
      const loss = lost(input.id)
      const outcome = await inTurn(input.id, async (): Promise<Outcome<T>> => {
        // Lost, or left again in the same turn: it never begins, and nobody hears what it answers.
        if ((await loss) || signal.aborted) return fault('later', 'this step was called off')
        try {
          return await verb(providerOf(input.id), input, signal, (text) => {
            if (!signal.aborted) progress(input.id, text)
          })
        } catch (bug) {
          log.error({ err: bug, workspace: input.id, effect: name }, 'an effect threw: this is a bug in vm-api')
          return fault('later', `vm-api itself failed: ${bug instanceof Error ? bug.message : String(bug)}`)
        }
      })
      return { ...outcome, at: clock.now(), luck: clock.luck() }
    })
  }

  return workspaceMachine.provide({
    actors: {
      image: effect('image', (provider, subject, signal, tell) => provider.image(subject, signal, tell)),
      container: effect('container', (provider, subject, signal) => provider.container(subject, signal)),
      boot: effect('boot', (provider, subject, signal) => provider.boot(subject, signal)),
      setup: effect('setup', async (provider, subject, signal, tell) => {
        const answer = await provider.setup(subject, signal, tell, (command, output) =>
          hearing.heard(subject.id, command, output),
        )
        // Before anybody hears that it has ended.
        hearing.write()
        return answer
      }),
      halt: effect('halt', (provider, subject, signal) => provider.halt(subject, signal)),
      destroy: effect('destroy', (provider, { id, containerId }, signal) => provider.remove(id, containerId, signal)),
      alarm: fromPromise(
        ({ input, signal }) =>
          new Promise((resolve) => {
            const cancel = clock.timer(input.at - clock.now(), () => resolve({ at: clock.now() }))
            signal.addEventListener('abort', cancel, { once: true })
          }),
      ),
    },
  })
}
