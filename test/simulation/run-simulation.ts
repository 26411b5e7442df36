import * as fc from 'fast-check'
import { simulate } from './simulate.ts'
import type { SimulationOutcome } from './simulate.ts'
import type { SimulationDatabase } from './simulation-database.ts'
import type { SimulationPlan } from './plan.ts'
import { planArbitrary } from './plan.ts'
import type { Mutation } from './simulated-process.ts'

/** Returns the plan of a seed, as `runSimulation` runs it. */
export function planOf(seed: number): SimulationPlan {
  const [plan] = fc.sample(planArbitrary, { seed, numRuns: 1, unbiased: true })
  if (!plan) throw new Error('fast-check returned no plan')
  return plan
}

/** Time limit for shrinking a failing plan. */
const shrinkMs = 20_000
const reportedLines = 60

export interface SimulationRunOptions {
  readonly mutation?: Mutation
  /** Looks for a smaller plan that fails the same way; takes up to 20 seconds. */
  readonly shrink?: boolean
}

/**
 * Runs the simulation of one seed. Returns a report for each violation, with the seed, the plan (shrunk if possible) and the last
 * lines of the trace.
 */
export async function runSimulation(
  disk: SimulationDatabase,
  seed: number,
  options: SimulationRunOptions = {},
): Promise<readonly string[]> {
  const { mutation, shrink = false } = options
  const plan = planOf(seed)
  const outcome = await simulate(disk, plan, mutation)
  if (outcome.violations.length === 0) return []
  const smallerPlan = shrink ? await shrinkPlan(disk, plan, mutation) : undefined
  const reported = smallerPlan ?? { plan, outcome }
  return reported.outcome.violations.map((violation) => report(seed, violation, reported))
}

interface FailingPlan {
  readonly plan: SimulationPlan
  readonly outcome: SimulationOutcome
}

/** Returns the smallest failing plan that was found by leaving out operations. */
async function shrinkPlan(
  disk: SimulationDatabase,
  plan: SimulationPlan,
  mutation: Mutation | undefined,
): Promise<FailingPlan | undefined> {
  let smallest: FailingPlan | undefined
  const deadlineAt = performance.now() + shrinkMs
  const subsets = fc.subarray([...plan.operations.keys()])
  const property = fc.asyncProperty(subsets, async (keptIndexes) => {
    if (performance.now() > deadlineAt) return true // fast-check's own time limit would leave a simulation running on this disk
    const smallerPlan = { ...plan, operations: plan.operations.filter((_, index) => keptIndexes.includes(index)) }
    const outcome = await simulate(disk, smallerPlan, mutation)
    if (outcome.violations.length > 0 && smallerPlan.operations.length < (smallest?.plan.operations.length ?? Infinity))
      smallest = { plan: smallerPlan, outcome }
    return outcome.violations.length === 0
  })
  const allIndexes = [...plan.operations.keys()]
  await fc.check(property, { numRuns: 1, examples: [[allIndexes]], seed: 1 })
  return smallest
}

function report(seed: number, violation: string, { plan, outcome }: FailingPlan): string {
  const { operations, ...settings } = plan
  return [
    `seed ${seed}: ${violation}`,
    `  ${JSON.stringify(settings)}`,
    ...operations.map((operation) => `  ${JSON.stringify(operation)}`),
    ...outcome.trace.slice(-reportedLines).map((line) => `    ${line}`),
  ].join('\n')
}
