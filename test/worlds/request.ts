import type { Provider } from '../../src/provider/provider.ts'
import type { Fault, Outcome } from '../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Chance } from '../chance.ts'
import type { Temper } from './temper.ts'
import type { WorldClock } from './world-clock.ts'

export type Verb = Exclude<keyof Provider, 'name' | 'watch'>

/** One request that an engine was asked. `workspaceId` is `null` for what is about all of them. */
export interface Request {
  readonly verb: Verb
  readonly workspaceId: WorkspaceId | null
  readonly containerId: string | null
  readonly signal: AbortSignal
}

/** A request that has begun and is not answered yet. */
export interface Flight {
  readonly request: Request
  /** The engine went away under it. */
  drop(fault: Fault): void
  /** Whoever asked is dead: nobody hears an answer, and the engine may go on with it. */
  orphan(): void
}

export interface Fate {
  readonly clock: WorldClock
  readonly chance: Chance
  readonly temper: Temper
  readonly away: Fault | null
  /** The answer was not the truth, or what was asked was done after it. */
  readonly blame: (id: WorkspaceId, trouble: 'fault' | 'late') => void
  readonly over: (flight: Flight) => void
}

const limitMs = (verb: Verb) => (verb === 'image' ? 600_000 : 60_000)
const aborted: Fault = { again: 'later', message: 'The request was called off' }

/** Lets one request have its fate: when it is carried out, if it is, and when and with what it is answered. It settles in bounded time. */
export function fly<T>(
  request: Request,
  work: () => Outcome<T>,
  { clock, chance, temper, away, blame, over }: Fate,
): { readonly flight: Flight; readonly answer: Promise<Outcome<T>> } {
  const { verb, workspaceId, signal } = request
  let tell: (outcome: Outcome<T>) => void = () => {}
  const answer = new Promise<Outcome<T>>((resolve) => (tell = resolve))
  let open = true
  let carried: Outcome<T> | undefined
  const pending = new Set<() => void>()

  function later(ms: number, run: () => void) {
    const cancel = clock.timer(ms, () => {
      pending.delete(cancel)
      run()
    })
    pending.add(cancel)
  }

  function carryOut() {
    if (carried) return carried
    if (!open && workspaceId) blame(workspaceId, 'late')
    carried = work()
    return carried
  }

  function land(outcome: Outcome<T>, heard = true) {
    if (!open) return
    open = false
    signal.removeEventListener('abort', calledOff)
    over(flight)
    if (!outcome.ok && workspaceId) blame(workspaceId, 'fault')
    clock.stir()
    if (heard) tell(outcome)
  }

  const fail = (again: Fault['again'], message: string) =>
    land({ ok: false, fault: { again, message: `${message} (${verb})` } })

  /** An engine does not always notice that nobody waits any more. */
  function letGo() {
    for (const cancel of pending) cancel()
    pending.clear()
    if (!carried && chance.happens(temper.carriedOut)) later(chance.between(0, 30_000), () => void carryOut())
  }

  function calledOff() {
    letGo()
    later(chance.between(0, 50), () => land({ ok: false, fault: aborted }))
  }

  const flight: Flight = {
    request,
    drop(fault) {
      if (!open) return
      if (chance.happens(temper.doneButFailed)) carryOut()
      for (const cancel of pending) cancel()
      pending.clear()
      land({ ok: false, fault })
    },
    orphan() {
      if (!open) return
      letGo()
      land({ ok: false, fault: aborted }, false)
    },
  }

  const took = () => Math.round(chance.luck() ** 3 * temper.slowestMs)
  if (signal.aborted) calledOff()
  else {
    signal.addEventListener('abort', calledOff, { once: true })
    const fate = chance.luck()
    const { refused, doneButFailed, hung, hopeless } = temper
    const again = chance.happens(hopeless) && verb !== 'inspect' ? 'never' : 'later'
    if (away) later(chance.between(0, 100), () => land({ ok: false, fault: away }))
    else if (fate < refused)
      later(took(), () => fail(again, verb === 'inventory' ? 'The list was cut short' : 'The engine says 500'))
    else if (fate < refused + hung) {
      if (chance.happens(0.5)) later(chance.between(0, limitMs(verb) * 1.5), () => void carryOut())
      later(limitMs(verb), () => fail('later', 'The engine did not answer in time'))
    } else {
      const failed = fate < refused + hung + doneButFailed
      later(took(), () => {
        const outcome = carryOut()
        later(took(), () => (failed ? fail('later', 'The engine did it, and says 500') : land(outcome)))
      })
    }
  }
  return { flight, answer }
}
