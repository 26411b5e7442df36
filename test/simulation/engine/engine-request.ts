import type { Provider } from '../../../src/provider/provider.ts'
import type { Fault, Outcome } from '../../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { SeededRandom } from '../../seeded-random.ts'
import type { FaultProfile } from './fault-profile.ts'
import type { SimulationClock } from '../simulation-clock.ts'

export type EngineVerb = Exclude<keyof Provider, 'name' | 'watch'>

/** A request to the engine. `workspaceId` is `null` if it is about all workspaces. */
export interface EngineRequest {
  readonly verb: EngineVerb
  readonly workspaceId: WorkspaceId | null
  readonly containerId: string | null
  readonly signal: AbortSignal
}

/** A request that is not answered yet. */
export interface PendingRequest {
  readonly request: EngineRequest
  /** Fails the request because the engine disconnects. */
  failWith(fault: Fault): void
  /** Drops the answer because the process died. The engine may still carry out the request. */
  abandon(): void
}

export interface FaultContext {
  readonly clock: SimulationClock
  readonly random: SeededRandom
  readonly faultProfile: FaultProfile
  readonly disconnectedFault: Fault | null
  /** Records that a request failed, or was carried out after it had failed. */
  readonly recordFault: (id: WorkspaceId, kind: 'fault' | 'late') => void
  readonly onSettled: (pendingRequest: PendingRequest) => void
}

const deadlineMs = (verb: EngineVerb) => (verb === 'image' ? 600_000 : 60_000)
const abortedFault: Fault = { kind: 'transient', message: 'The request was aborted' }

/** Decides whether and when a request is carried out, and when and how it is answered. It settles in bounded time. */
export function startRequest<T>(
  request: EngineRequest,
  work: () => Outcome<T>,
  { clock, random, faultProfile, disconnectedFault, recordFault, onSettled }: FaultContext,
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
    onSettled(pendingRequest)
    if (!outcome.ok && workspaceId) recordFault(workspaceId, 'fault')
    clock.recordActivity()
    if (deliver) resolveAnswer(outcome)
  }

  const fail = (kind: Fault['kind'], message: string) =>
    settleWith({ ok: false, fault: { kind, message: `${message} (${verb})` } })

  /** An engine does not always notice that a request was aborted. */
  function cancelPending() {
    for (const cancel of pending) cancel()
    pending.clear()
    if (!performed && random.chance(faultProfile.performedAfterAbort))
      schedule(random.integer(0, 30_000), () => void perform())
  }

  function onAbort() {
    cancelPending()
    schedule(random.integer(0, 50), () => settleWith({ ok: false, fault: abortedFault }))
  }

  const pendingRequest: PendingRequest = {
    request,
    failWith(fault) {
      if (!isOpen) return
      if (random.chance(faultProfile.doneButFailed)) perform()
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

  const randomDelayMs = () => Math.round(random.next() ** 3 * faultProfile.maxLatencyMs)
  if (signal.aborted) onAbort()
  else {
    signal.addEventListener('abort', onAbort, { once: true })
    const roll = random.next()
    const { rejected, doneButFailed, timedOut, permanent } = faultProfile
    const kind = random.chance(permanent) && verb !== 'inspect' ? 'permanent' : 'transient'
    if (disconnectedFault) schedule(random.integer(0, 100), () => settleWith({ ok: false, fault: disconnectedFault }))
    else if (roll < rejected)
      schedule(randomDelayMs(), () =>
        fail(kind, verb === 'list' ? 'The list was cut short' : 'The engine answered 500'),
      )
    else if (roll < rejected + timedOut) {
      if (random.chance(0.5)) schedule(random.integer(0, deadlineMs(verb) * 1.5), () => void perform())
      schedule(deadlineMs(verb), () => fail('transient', 'The engine did not answer in time'))
    } else {
      const failed = roll < rejected + timedOut + doneButFailed
      schedule(randomDelayMs(), () => {
        const outcome = perform()
        schedule(randomDelayMs(), () =>
          failed ? fail('transient', 'The engine completed the request but answered 500') : settleWith(outcome),
        )
      })
    }
  }
  return { pendingRequest, outcome }
}
