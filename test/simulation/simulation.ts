import type { Caller } from '../../src/supervisor/admission.ts'
import type { Supervisor } from '../../src/supervisor/supervisor.ts'
import { parseOwner } from '../../src/workspace/id.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { seededRandom as chanceOf } from '../seeded-random.ts'
import type { StoreFaults } from './flaky-store.ts'
import type { JournalHistory } from './journal-history.ts'
import { journalHistory } from './journal-history.ts'
import type { Ledger } from './ledger.ts'
import { ledger as newLedger } from './ledger.ts'
import { effectStartCheck } from './checks/effect-start-check.ts'
import { checkExpiry } from './checks/expiry-check.ts'
import type { FaultyEngine } from './engine/faulty-engine.ts'
import { ownInstallation, faultyEngine } from './engine/faulty-engine.ts'
import type { SimulationClock } from './simulation-clock.ts'
import { simulationClock } from './simulation-clock.ts'
import type { SimulationDatabase } from './simulation-database.ts'
import type { SimulationPlan } from './plan.ts'
import { startSimulatedProcess } from './simulated-process.ts'
import type { Mutation, SimulatedProcess } from './simulated-process.ts'

/** One world: an engine, a disk, clients, and one process of the service after the other. */
export interface Simulation {
  readonly plan: SimulationPlan
  readonly disk: SimulationDatabase
  readonly clock: SimulationClock
  readonly engine: FaultyEngine
  readonly random: SeededRandom
  readonly ledger: Ledger
  readonly history: JournalHistory
  readonly storeFaults: StoreFaults
  /** Containers that are none of the service's business. */
  readonly foreignContainers: { readonly otherInstallation: string; readonly unknownWorkspace: string }
  /** Moments at which something befell all workspaces at once. */
  readonly disturbances: number[]
  /** The last moment at which something kept the service from its work: the disk refused, or everything was frozen. */
  blockedUntil: number
  /** Jumps of the wall clock that this process has lived through: when, and by how much. */
  readonly jumps: { readonly moment: number; readonly ms: number }[]
  readonly trace: string[]
  readonly violations: string[]
  process(): SimulatedProcess | undefined
  /** Starts a process if there is none. */
  start(): void
  /** Ends the process, one way or the other. */
  stop(mode: 'kill' | 'close'): Promise<void>
  /** Clears away a process that died by itself. */
  removeDeadProcess(): Promise<void>
  log(line: string): void
  reportViolation(violation: string): void
  recordDisturbance(): void
}

export const simulatedOwners: readonly Caller[] = ['ann', 'ben', 'cat'].map((name) => callerOf(name, false))
export const simulatedOperator = callerOf('root', true)

function callerOf(name: string, operator: boolean): Caller {
  const owner = parseOwner(name)
  if (!owner) throw new Error(`${name} is no owner`)
  return { owner, operator }
}

export interface SimulationOptions {
  readonly plan: SimulationPlan
  readonly mutation: Mutation
  /** Called when everything that a ring of the clock has set off is over. */
  readonly afterTimer: (simulation: Simulation) => void
}

/** Makes a world on this disk, with its first process under way. */
export function createSimulation(disk: SimulationDatabase, { plan, mutation, afterTimer }: SimulationOptions) {
  const random = chanceOf(plan.seed)
  const clock = simulationClock(() => afterTimer(simulation), random.next)
  const engine = faultyEngine(clock, random)
  const ledger = newLedger()
  const trace: string[] = []
  const violations: string[] = []
  const storeFaults: StoreFaults = { groups: 0, one: 0, full: false, crash: null }
  const log = (line: string) => void trace.push(`${timestamp(clock.monotonic())} ${line}`)
  const history = journalHistory({ disk, ledger, monotonic: clock.monotonic, log })
  const randomId = () => `${random.hex(8)}-${random.hex(4)}-4000-8000-${random.hex(12)}` as WorkspaceId
  const foreignContainers = {
    otherInstallation: engine.host.placeContainer('theirs', randomId(), false).containerId,
    unknownWorkspace: engine.host.placeContainer(ownInstallation, randomId(), false).containerId,
  }
  let process: SimulatedProcess | undefined

  const simulation: Simulation = {
    plan,
    disk,
    clock,
    engine,
    random,
    ledger,
    history,
    storeFaults,
    foreignContainers,
    disturbances: [],
    blockedUntil: -Infinity,
    jumps: [],
    trace,
    violations,
    process: () => (process?.alive() === true ? process : undefined),
    start() {
      if (process) return
      simulation.jumps.length = 0 // one that it has not lived through it cannot know of
      process = startSimulatedProcess({
        disk,
        engine,
        clock,
        chance: random,
        storeFaults,
        settings: plan,
        onCall: effectStartCheck(simulation),
        onCommitted(steps) {
          history.recordCommitted(steps)
          for (const step of steps) checkExpiry(simulation, step)
        },
        onWriteRefused() {
          log('the disk refuses')
          simulation.blockedUntil = Math.max(simulation.blockedUntil, clock.monotonic())
          simulation.recordDisturbance()
        },
        onExit() {
          log('the process is gone')
          simulation.recordDisturbance()
          ledger.abandonOpen()
        },
        onBugReport: (message) => simulation.reportViolation(`the service reports: ${message}`),
        mutation,
      })
      log('a process starts')
    },
    async stop(mode) {
      const stoppedProcess = process
      if (!stoppedProcess) return
      if (mode === 'kill') stoppedProcess.kill()
      await stoppedProcess.close()
      process = undefined
    },
    async removeDeadProcess() {
      if (process && !process.alive()) await simulation.stop('kill')
    },
    log,
    reportViolation(violation) {
      if (violations.includes(violation)) return
      log(`VIOLATION ${violation}`)
      violations.push(violation)
    },
    recordDisturbance: () => void simulation.disturbances.push(clock.monotonic()),
  }
  simulation.start()
  return simulation
}

/** The supervisor that lives now. */
export function currentSupervisor(simulation: Simulation): Supervisor | undefined {
  return simulation.process()?.supervisor
}

function timestamp(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const padded = (value: number) => String(value).padStart(2, '0')
  return `${Math.floor(seconds / 3600)}:${padded(Math.floor(seconds / 60) % 60)}:${padded(seconds % 60)}.${String(ms % 1000).padStart(3, '0')}`
}
