import { runSimulation } from './run-simulation.ts'
import { simulationDatabase } from './simulation-database.ts'

const reportEvery = 500
/** A bug shows in many simulations, and each violation takes time to shrink: the first ones are enough. */
const maxViolations = 10

/**
 * Runs `seeds` simulations from seed `firstSeed` on, one after the other on one database file. Stops early after many violations.
 * The same seed gives the same simulation.
 */
export async function runSeeds({
  seeds,
  firstSeed,
  print,
}: {
  seeds: number
  firstSeed: number
  print: (line: string) => void
}): Promise<{ runs: number; violations: readonly string[] }> {
  const disk = simulationDatabase()
  const violations: string[] = []
  const startedAt = performance.now()
  let runs = 0
  try {
    for (; runs < seeds && violations.length < maxViolations; runs += 1) {
      const violationsOfRun = await runSimulation(disk, firstSeed + runs, { shrink: true })
      for (const violation of violationsOfRun) print(violation)
      violations.push(...violationsOfRun)
      if ((runs + 1) % reportEvery === 0) {
        const rate = (runs + 1) / ((performance.now() - startedAt) / 1000)
        print(`${runs + 1} simulations, ${violations.length} violations, ${rate.toFixed(1)} simulations per second`)
      }
    }
  } finally {
    disk.close()
  }
  return { runs, violations }
}
