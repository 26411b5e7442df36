import { expect, it } from 'vitest'
import { seededRandom } from '../seeded-random.ts'
import { simulate } from './simulate.ts'
import { simulationDatabase } from './simulation-database.ts'
import type { Operation, SimulationPlan } from './plan.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

async function simulatePlan(seed: number, operations: readonly Operation[]) {
  const disk = simulationDatabase()
  const plan: SimulationPlan = {
    seed,
    faultProfile: 'moderate',
    concurrency: 2,
    sweepIntervalMs: 5 * second,
    operations,
  }
  const { violations, trace } = await simulate(disk, plan)
  disk.close()
  expect(violations.join('\n')).toBe('')
  return trace
}

const create = (name: number, ttlSeconds: number): Operation => ({
  kind: 'create',
  owner: name % 3,
  name,
  template: 'base',
  ttlSeconds,
  key: null,
})
const advance = (ms: number): Operation => ({ kind: 'advance', ms })
/** Days pass in one step: timers that are due meanwhile fire at the end. */
const days = (count: number): Operation => ({ kind: 'freeze', ms: count * day })

it.each([1, 2, 3, 4, 5, 6])('in ten simulated years every TTL expires on time: %i', async (seed) => {
  const { integer } = seededRandom(seed)
  const years = Array.from({ length: 10 }, (_, year) => year + 1)
  const trace = await simulatePlan(seed, [
    ...years.map((year) => create(year, year * 365 * 86_400)),
    advance(hour),
    ...years.flatMap((year): Operation[] => {
      const strides = Array.from({ length: 12 }, () => days(integer(27, 30)))
      const renewed: Operation[] = year === 3 ? [{ kind: 'renew', which: 4, ttlSeconds: 365 * 86_400 }] : []
      const moved: Operation[] = year === 5 ? [{ kind: 'close', downMs: 0 }] : []
      return [...strides, ...renewed, ...moved, advance(integer(1, 40) * minute)]
    }),
    ...Array.from({ length: 14 }, () => days(30)),
  ])
  expect(trace.filter((line) => line.includes('(expire by system:expiry)'))).toHaveLength(10)
})

it.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'nothing expires when the wall clock jumps forward and back: %i',
  async (seed) => {
    const { integer, chance } = seededRandom(seed)
    const jumps = Array.from({ length: 8 }, (): Operation[] => {
      const ms = integer(2, 24) * hour
      const [there, back] = chance(0.5) ? [ms, -ms] : [-ms, ms]
      const jump = (by: number): Operation => ({ kind: 'jump', ms: by })
      return [jump(there), advance(integer(1, 250) * second), jump(back), advance(integer(1, 20) * minute)]
    })
    const ttls = [4 * 3600, 5 * 3600, 86_400, 30 * 86_400].map((ttlSeconds, name) => create(name, ttlSeconds))
    const trace = await simulatePlan(seed, [...ttls, advance(10 * minute), ...jumps.flat()])
    const expired = trace.findIndex((line) => line.includes('(expire by'))
    const last = trace.findLastIndex((line) => line.includes('the wall clock jumps'))
    // The jumps take at most eight times 25 minutes, which is less than the shortest TTL.
    if (expired >= 0) expect(expired).toBeGreaterThan(last)
  },
)

it('five minutes after a permanent jump of the wall clock, due workspaces expire', async () => {
  const trace = await simulatePlan(1, [
    create(1, 7200),
    advance(10 * minute),
    { kind: 'jump', ms: day },
    advance(7 * minute),
  ])
  const expire = trace.findIndex((line) => line.includes('(expire by'))
  expect(trace[expire]).toMatch(/^0:1[56]:/)
})
