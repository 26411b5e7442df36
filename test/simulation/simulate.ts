import { checkQuiescence } from './checks/quiescence-check.ts'
import { operationRunner } from './operations.ts'
import { createSimulation, currentSupervisor } from './simulation.ts'
import type { Simulation } from './simulation.ts'
import type { SimulationDatabase } from './simulation-database.ts'
import type { SimulationPlan } from './plan.ts'
import type { Mutation } from './simulated-process.ts'

/** The outcome of a simulation. */
export interface SimulationOutcome {
  readonly violations: readonly string[]
  /** A line for each thing that happened, the same in every run of a plan. */
  readonly trace: readonly string[]
}

const minute = 60_000

/** Runs a simulation: the operations of the plan, hours without faults, a last create, and a delete of every workspace. */
export async function simulate(
  disk: SimulationDatabase,
  plan: SimulationPlan,
  mutation: Mutation = {},
): Promise<SimulationOutcome> {
  disk.clear()
  let check = () => {}
  const simulation = createSimulation(disk, { plan, mutation, afterTimer: () => check() })
  const runner = operationRunner(simulation)
  check = whenChanged(simulation, runner.check)
  try {
    simulation.engine.setFaultProfile(plan.faultProfile)
    for (const operation of plan.operations) {
      await runner.run(operation)
      if (simulation.violations.length > 0) break
    }
    if (simulation.violations.length === 0) await finish(simulation, runner)
  } catch (error) {
    simulation.reportViolation(
      `the simulation threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  }
  await simulation.stop('kill')
  return { violations: simulation.violations, trace: simulation.trace }
}

async function finish(simulation: Simulation, { endFaults, check, client }: ReturnType<typeof operationRunner>) {
  const { clock, disk } = simulation
  await endFaults()
  await clock.advance(75 * minute)
  // A workspace may have expired just now.
  for (let remaining = 10; remaining > 0 && disk.rows().some(({ status }) => status === 'deleting'); remaining -= 1)
    await clock.advance(minute)
  check()
  checkQuiescence(simulation)
  if (simulation.violations.length > 0) return
  client.create({ kind: 'create', owner: 0, name: 99, template: 'base', ttlSeconds: null, key: null })
  await clock.advance(5 * minute)
  check()
  const workspaceRow = disk.rows().find(({ name }) => name === 'n99')
  if (workspaceRow?.status !== 'running') simulation.reportViolation('in the end a new workspace does not start')
  for (const workspace of simulation.ledger.all())
    if (disk.row(workspace.id)) client.send(workspace, { type: 'delete' })
  await clock.advance(10 * minute)
  check()
  checkQuiescence(simulation)
  if (!client.idle()) simulation.reportViolation('a request is unanswered in the end')
  for (const { label } of simulation.ledger.all().filter(({ id }) => disk.row(id)))
    simulation.reportViolation(`law 4: ${label} was deleted, but its row still exists`)
  if (!currentSupervisor(simulation)) simulation.reportViolation('no process runs in the end')
}

/** Skips the check if nothing has changed since the last one: most timers are sweeps that find nothing to do. */
function whenChanged(simulation: Simulation, check: () => void): () => void {
  let lastChecked = ''
  return () => {
    if (!simulation.process()) return
    const states = [...simulation.engine.host.containers.values()].map(({ state }) => state.kind)
    const current = [simulation.trace.length, simulation.history.commitCount(), ...states].join()
    if (current === lastChecked) return
    check()
    lastChecked = current
  }
}
