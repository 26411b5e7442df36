import { describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'
import { planOf } from './run-simulation.ts'
import { runSeeds } from './run-seeds.ts'
import { simulationDatabase } from './simulation-database.ts'

// `npm run chaos -- --simulations N` runs thousands of them.
const runCount = 60

describe('simulations', () => {
  it('every simulation keeps every law at every step and settles in a state that its commands explain', {
    timeout: 120_000,
  }, async () => {
    const reports: string[] = []
    const outcome = await runSeeds({ seeds: runCount, firstSeed: 1, print: (line) => reports.push(line) })
    expect(outcome.violations.join('\n\n')).toBe('')
    expect(outcome.runs).toBe(runCount)
  })

  it('a simulation with the same seed is identical', async () => {
    const disk = simulationDatabase()
    for (const seed of [3, 5, 7, 11]) {
      const [first, second] = [await simulate(disk, planOf(seed)), await simulate(disk, planOf(seed))]
      expect(second.trace).toEqual(first.trace)
      expect(first.trace.length).toBeGreaterThan(20)
    }
    disk.close()
  })
})
