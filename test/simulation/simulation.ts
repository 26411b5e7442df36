import type { Caller } from '../../src/workspace/caller.ts'
import type { Supervisor } from '../../src/supervisor/supervisor.ts'
import { parseOwner } from '../../src/workspace/id.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { seededRandom } from '../seeded-random.ts'
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

/** A simulation: an engine, a disk, clients, and consecutive processes of the service. */
export interface Simulation {
  readonly plan: SimulationPlan
  readonly disk: SimulationDatabase
  readonly clock: SimulationClock
  readonly engine: FaultyEngine
  readonly random: SeededRandom
  readonly ledger: Ledger
  readonly history: JournalHistory
  readonly storeFaults: StoreFaults
  /** Containers that the service must not touch. */
  readonly foreignContainers: { readonly otherInstallation: string; readonly unknownWorkspace: string }
  /** Times of faults that affect all workspaces. */
  readonly disturbances: number[]
  /** The last time at which a refused write or a freeze kept the service from working. */
  blockedUntil: number
  /** Jumps of the wall clock during this process: when, and by how much. */
  readonly jumps: { readonly moment: number; readonly ms: number }[]
  readonly trace: string[]
  readonly violations: string[]
  process(): SimulatedProcess | undefined
  /** Starts a process if none runs. */
  start(): void
  /** Kills or closes the process. */
  stop(mode: 'kill' | 'close'): Promise<void>
  /** Cleans up after a process that died in a commit. */
  removeDeadProcess(): Promise<void>
  log(line: string): void
  reportViolation(violation: string): void
  recordDisturbance(): void
}

export const simulatedOwners: readonly Caller[] = ['ann', 'ben', 'cat'].map((name) => callerOf(name, false))
export const simulatedOperator = callerOf('root', true)

function callerOf(name: string, operator: boolean): Caller {
  const owner = parseOwner(name)
  if (!owner) throw new Error(`${name} is not a valid owner`)
  return { owner, operator }
}

export interface SimulationOptions {
  readonly plan: SimulationPlan
  readonly mutation: Mutation
  /** Called when everything that a timer caused is done. */
  readonly afterTimer: (simulation: Simulation) => void
}

/** Creates a simulation on this disk and starts its first process. */
export function createSimulation(disk: SimulationDatabase, { plan, mutation, afterTimer }: SimulationOptions) {
  const random = seededRandom(plan.seed)
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
      simulation.jumps.length = 0 // a process cannot know of earlier jumps
      process = startSimulatedProcess({
        disk,
        engine,
        clock,
        random,
        storeFaults,
        settings: plan,
        onCall: effectStartCheck(simulation),
        onCommitted(transitions) {
          history.recordCommitted(transitions)
          for (const record of transitions) checkExpiry(simulation, record)
        },
        onWriteRefused() {
          log('the disk refuses a write')
          simulation.blockedUntil = Math.max(simulation.blockedUntil, clock.monotonic())
          simulation.recordDisturbance()
        },
        onExit() {
          log('the process has ended')
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

/** Returns the supervisor of the running process. */
export function currentSupervisor(simulation: Simulation): Supervisor | undefined {
  return simulation.process()?.supervisor
}

function timestamp(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const padded = (value: number) => String(value).padStart(2, '0')
  return `${Math.floor(seconds / 3600)}:${padded(Math.floor(seconds / 60) % 60)}:${padded(seconds % 60)}.${String(ms % 1000).padStart(3, '0')}`
}
