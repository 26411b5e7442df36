import type { Asker } from '../../src/supervisor/asked.ts'
import type { Supervisor } from '../../src/supervisor/supervisor.ts'
import { parseOwner } from '../../src/workspace/id.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Chance } from '../chance.ts'
import { chance as chanceOf } from '../chance.ts'
import type { Frailty } from './frail-store.ts'
import type { History } from './history.ts'
import { follow } from './history.ts'
import type { Ledger } from './ledger.ts'
import { ledger as newLedger } from './ledger.ts'
import { beginnings } from './beginnings.ts'
import { watchExpiry } from './expiry-watch.ts'
import type { UnrulyEngine } from './unruly-engine.ts'
import { ours, unrulyEngine } from './unruly-engine.ts'
import type { WorldClock } from './world-clock.ts'
import { worldClock } from './world-clock.ts'
import type { WorldDisk } from './world-disk.ts'
import type { Plan } from './world-plan.ts'
import { startProcess } from './world-process.ts'
import type { Spoil, WorldProcess } from './world-process.ts'

/** One world: an engine, a disk, clients, and one process of the service after the other. */
export interface SimulatedWorld {
  readonly plan: Plan
  readonly disk: WorldDisk
  readonly clock: WorldClock
  readonly engine: UnrulyEngine
  readonly chance: Chance
  readonly ledger: Ledger
  readonly history: History
  readonly frailty: Frailty
  /** Containers that are none of the service's business. */
  readonly strangers: { readonly theirs: string; readonly unheardOf: string }
  /** Moments at which something befell all workspaces at once. */
  readonly disturbances: number[]
  /** The last moment at which something kept the service from its work: the disk refused, or everything was frozen. */
  heldUpUntil: number
  /** Jumps of the wall clock that this process has lived through: when, and by how much. */
  readonly jumps: { readonly moment: number; readonly ms: number }[]
  readonly trace: string[]
  readonly violations: string[]
  process(): WorldProcess | undefined
  /** Starts a process if there is none. */
  start(): void
  /** Ends the process, one way or the other. */
  stop(how: 'kill' | 'close'): Promise<void>
  /** Clears away a process that died by itself. */
  bury(): Promise<void>
  say(line: string): void
  blame(violation: string): void
  disturb(): void
}

export const owners: readonly Asker[] = ['ann', 'ben', 'cat'].map((name) => asker(name, false))
export const operator = asker('root', true)

function asker(name: string, operator: boolean): Asker {
  const owner = parseOwner(name)
  if (!owner) throw new Error(`${name} is no owner`)
  return { owner, operator }
}

export interface WorldSetting {
  readonly plan: Plan
  readonly spoil: Spoil
  /** Called when everything that a ring of the clock has set off is over. */
  readonly afterRing: (world: SimulatedWorld) => void
}

/** Makes a world on this disk, with its first process under way. */
export function simulatedWorld(disk: WorldDisk, { plan, spoil, afterRing }: WorldSetting) {
  const chance = chanceOf(plan.luck)
  const clock = worldClock(() => afterRing(world), chance.luck)
  const engine = unrulyEngine(clock, chance)
  const ledger = newLedger()
  const trace: string[] = []
  const violations: string[] = []
  const frailty: Frailty = { groups: 0, one: 0, full: false, death: null }
  const say = (line: string) => void trace.push(`${stamp(clock.monotonic())} ${line}`)
  const history = follow({ disk, ledger, monotonic: clock.monotonic, say })
  const id = () => `${chance.hex(8)}-${chance.hex(4)}-4000-8000-${chance.hex(12)}` as WorkspaceId
  const strangers = {
    theirs: engine.host.place('theirs', id(), false).containerId,
    unheardOf: engine.host.place(ours, id(), false).containerId,
  }
  let process: WorldProcess | undefined

  const world: SimulatedWorld = {
    plan,
    disk,
    clock,
    engine,
    chance,
    ledger,
    history,
    frailty,
    strangers,
    disturbances: [],
    heldUpUntil: -Infinity,
    jumps: [],
    trace,
    violations,
    process: () => (process?.alive() === true ? process : undefined),
    start() {
      if (process) return
      world.jumps.length = 0 // one that it has not lived through it cannot know of
      process = startProcess({
        disk,
        engine,
        clock,
        chance,
        frailty,
        settings: plan,
        began: beginnings(world),
        kept(steps) {
          history.kept(steps)
          for (const step of steps) watchExpiry(world, step)
        },
        refused() {
          say('the disk refuses')
          world.heldUpUntil = Math.max(world.heldUpUntil, clock.monotonic())
          world.disturb()
        },
        died() {
          say('the process is gone')
          world.disturb()
          ledger.hungUp()
        },
        bug: (what) => world.blame(`the service reports: ${what}`),
        spoil,
      })
      say('a process starts')
    },
    async stop(how) {
      const ending = process
      if (!ending) return
      if (how === 'kill') ending.kill()
      await ending.close()
      process = undefined
    },
    async bury() {
      if (process && !process.alive()) await world.stop('kill')
    },
    say,
    blame(violation) {
      if (violations.includes(violation)) return
      say(`VIOLATION ${violation}`)
      violations.push(violation)
    },
    disturb: () => void world.disturbances.push(clock.monotonic()),
  }
  world.start()
  return world
}

/** The supervisor that lives now. */
export function supervisorOf(world: SimulatedWorld): Supervisor | undefined {
  return world.process()?.supervisor
}

function stamp(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(ms % 1000).padStart(3, '0')}`
}
