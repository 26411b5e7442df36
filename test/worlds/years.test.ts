import { expect, it } from 'vitest'
import { chance } from '../chance.ts'
import { play } from './play.ts'
import { worldDisk } from './world-disk.ts'
import type { Doing, Plan } from './world-plan.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

async function played(luck: number, doings: readonly Doing[]) {
  const disk = worldDisk()
  const plan: Plan = { luck, temper: 'moody', concurrency: 2, sweepMs: 5 * second, doings }
  const { violations, trace } = await play(disk, plan)
  disk.close()
  expect(violations.join('\n')).toBe('')
  return trace
}

const create = (name: number, ttlSeconds: number): Doing => ({
  do: 'create',
  owner: name % 3,
  name,
  template: 'base',
  ttlSeconds,
  key: null,
})
const pass = (ms: number): Doing => ({ do: 'pass', ms })
/** Days go by in one stride: what is due in them rings at their end. */
const days = (count: number): Doing => ({ do: 'freeze', ms: count * day })

it.each([1, 2, 3, 4, 5, 6])('ten years of TTLs pass in seconds, and each is over in its time: %i', async (luck) => {
  const { between } = chance(luck)
  const years = Array.from({ length: 10 }, (_, year) => year + 1)
  const trace = await played(luck, [
    ...years.map((year) => create(year, year * 365 * 86_400)),
    pass(hour),
    ...years.flatMap((year): Doing[] => {
      const strides = Array.from({ length: 12 }, () => days(between(27, 30)))
      const renewed: Doing[] = year === 3 ? [{ do: 'keep', which: 4, ttlSeconds: 365 * 86_400 }] : []
      const moved: Doing[] = year === 5 ? [{ do: 'close', downMs: 0 }] : []
      return [...strides, ...renewed, ...moved, pass(between(1, 40) * minute)]
    }),
    ...Array.from({ length: 14 }, () => days(30)),
  ])
  expect(trace.filter((line) => line.includes('(expire by system:expiry)'))).toHaveLength(10)
})

it.each(Array.from({ length: 12 }, (_, luck) => luck))(
  'the wall clock jumps a day forward and back, and nothing expires of it: %i',
  async (luck) => {
    const { between, happens } = chance(luck)
    const jumps = Array.from({ length: 8 }, (): Doing[] => {
      const ms = between(2, 24) * hour
      const [there, back] = happens(0.5) ? [ms, -ms] : [-ms, ms]
      const jump = (by: number): Doing => ({ do: 'jump', ms: by })
      return [jump(there), pass(between(1, 250) * second), jump(back), pass(between(1, 20) * minute)]
    })
    const ttls = [4 * 3600, 5 * 3600, 86_400, 30 * 86_400].map((ttlSeconds, name) => create(name, ttlSeconds))
    const trace = await played(luck, [...ttls, pass(10 * minute), ...jumps.flat()])
    const expired = trace.findIndex((line) => line.includes('(expire by'))
    const last = trace.findLastIndex((line) => line.includes('the wall clock jumps'))
    // Eight times at most 25 minutes: the shortest TTL is over after that.
    if (expired >= 0) expect(expired).toBeGreaterThan(last)
  },
)

it('a day that the wall clock jumps forward for good costs five minutes, and then what is due goes', async () => {
  const trace = await played(1, [create(1, 7200), pass(10 * minute), { do: 'jump', ms: day }, pass(7 * minute)])
  const expire = trace.findIndex((line) => line.includes('(expire by'))
  expect(trace[expire]).toMatch(/^0:1[56]:/)
})
