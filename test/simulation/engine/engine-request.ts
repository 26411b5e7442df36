import type { Provider } from '../../../src/provider/provider.ts'
import type { Fault, Outcome } from '../../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { SeededRandom } from '../../seeded-random.ts'
import type { FaultProfile } from './fault-profile.ts'
import type { SimulationClock } from '../simulation-clock.ts'

export type EngineVerb = Exclude<keyof Provider, 'name' | 'watch'>

/** One request that an engine was asked. `workspaceId` is `null` for what is about all of them. */
export interface EngineRequest {
  readonly verb: EngineVerb
  readonly workspaceId: WorkspaceId | null
  readonly containerId: string | null
  readonly signal: AbortSignal
}

/** A request that has begun and is not answered yet. */
export interface PendingRequest {
  readonly request: EngineRequest
  /** The engine went away under it. */
  failWith(fault: Fault): void
  /** Whoever asked is dead: nobody hears an answer, and the engine may go on with it. */
  abandon(): void
}

export interface FaultContext {
  readonly clock: SimulationClock
  readonly chance: SeededRandom
  readonly temper: FaultProfile
  readonly disconnectedFault: Fault | null
  /** The answer was not the truth, or what was asked was done after it. */
  readonly recordFault: (id: WorkspaceId, trouble: 'fault' | 'late') => void
  readonly over: (pendingRequest: PendingRequest) => void
}

const deadlineMs = (verb: EngineVerb) => (verb === 'image' ? 600_000 : 60_000)
const abortedFault: Fault = { kind: 'transient', message: 'The request was called off' }

/** Lets one request have its fate: when it is carried out, if it is, and when and with what it is answered. It settles in bounded time. */
export function startRequest<T>(
  request: EngineRequest,
  work: () => Outcome<T>,
  { clock, chance, temper, disconnectedFault, recordFault, over }: FaultContext,
): { readonly pendingRequest: PendingRequest; readonly outcome: Promise<Outcome<T>> } {
  const { verb, workspaceId, signal } = request
  let resolveAnswer: (outcome: Outcome<T>) => void = () => {}
  const outcome = new Promise<Outcome<T>>((resolve) => (resolveAnswer = resolve))
  let isOpen = true
  let performed: Outcome<T> | undefined
  const pending = new Set<() => void>()

  function schedule(ms: number, run: () => void) {
    const cancel = clock.timer(ms, () => {
      pending.delete(cancel)
      run()
    })
    pending.add(cancel)
  }

  function perform() {
    if (performed) return performed
    if (!isOpen && workspaceId) recordFault(workspaceId, 'late')
    performed = work()
    return performed
  }

  function settleWith(outcome: Outcome<T>, deliver = true) {
    if (!isOpen) return
    isOpen = false
    signal.removeEventListener('abort', onAbort)
    over(pendingRequest)
    if (!outcome.ok && workspaceId) recordFault(workspaceId, 'fault')
    clock.recordActivity()
    if (deliver) resolveAnswer(outcome)
  }

  const fail = (kind: Fault['kind'], message: string) =>
    settleWith({ ok: false, fault: { kind, message: `${message} (${verb})` } })

  /** An engine does not always notice that nobody waits any more. */
  function cancelPending() {
    for (const cancel of pending) cancel()
    pending.clear()
    if (!performed && chance.chance(temper.performedAfterAbort))
      schedule(chance.integer(0, 30_000), () => void perform())
  }

  function onAbort() {
    cancelPending()
    schedule(chance.integer(0, 50), () => settleWith({ ok: false, fault: abortedFault }))
  }

  const pendingRequest: PendingRequest = {
    request,
    failWith(fault) {
      if (!isOpen) return
      if (chance.chance(temper.doneButFailed)) perform()
      for (const cancel of pending) cancel()
      pending.clear()
      settleWith({ ok: false, fault })
    },
    abandon() {
      if (!isOpen) return
      cancelPending()
      settleWith({ ok: false, fault: abortedFault }, false)
    },
  }

  const randomDelayMs = () => Math.round(chance.next() ** 3 * temper.maxLatencyMs)
  if (signal.aborted) onAbort()
  else {
    signal.addEventListener('abort', onAbort, { once: true })
    const roll = chance.next()
    const { rejected, doneButFailed, timedOut, permanent } = temper
    const kind = chance.chance(permanent) && verb !== 'inspect' ? 'permanent' : 'transient'
    if (disconnectedFault) schedule(chance.integer(0, 100), () => settleWith({ ok: false, fault: disconnectedFault }))
    else if (roll < rejected)
      schedule(randomDelayMs(), () => fail(kind, verb === 'list' ? 'The list was cut short' : 'The engine says 500'))
    else if (roll < rejected + timedOut) {
      if (chance.chance(0.5)) schedule(chance.integer(0, deadlineMs(verb) * 1.5), () => void perform())
      schedule(deadlineMs(verb), () => fail('transient', 'The engine did not answer in time'))
    } else {
      const failed = roll < rejected + timedOut + doneButFailed
      schedule(randomDelayMs(), () => {
        const outcome = perform()
        schedule(randomDelayMs(), () =>
          failed ? fail('transient', 'The engine did it, and says 500') : settleWith(outcome),
        )
      })
    }
  }
  return { pendingRequest, outcome }
}
