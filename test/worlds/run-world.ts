import * as fc from 'fast-check'
import { play } from './play.ts'
import type { Played } from './play.ts'
import type { WorldDisk } from './world-disk.ts'
import type { Plan } from './world-plan.ts'
import { plans } from './world-plan.ts'
import type { Spoil } from './world-process.ts'

/** The plan that a seed stands for, as `runWorld` plays it. */
export function planOf(seed: number): Plan {
  const [plan] = fc.sample(plans, { seed, numRuns: 1, unbiased: true })
  if (!plan) throw new Error('fast-check has no plan')
  return plan
}

/** How long a world that failed is made smaller. */
const shrinkMs = 20_000
const lastLines = 60

export interface RunOptions {
  readonly spoil?: Spoil
  /** Looks for a smaller plan that fails the same way; takes up to 20 seconds. */
  readonly shrink?: boolean
}

/**
 * Plays the world of one seed. Answers its violations, each as a text with the seed, the plan as far as it could be made smaller, and
 * the last lines of what happened; none if all is well.
 */
export async function runWorld(disk: WorldDisk, seed: number, options: RunOptions = {}): Promise<readonly string[]> {
  const { spoil, shrink = false } = options
  const plan = planOf(seed)
  const played = await play(disk, plan, spoil)
  if (played.violations.length === 0) return []
  const smaller = shrink ? await shrunk(disk, plan, spoil) : undefined
  const shown = smaller ?? { plan, played }
  return shown.played.violations.map((violation) => report(seed, violation, shown))
}

interface Failing {
  readonly plan: Plan
  readonly played: Played
}

/** The smallest plan that was found to fail. A plan with some of its doings left out is a plan. */
async function shrunk(disk: WorldDisk, plan: Plan, spoil: Spoil | undefined): Promise<Failing | undefined> {
  let least: Failing | undefined
  const until = performance.now() + shrinkMs
  const fewer = fc.subarray([...plan.doings.keys()])
  const property = fc.asyncProperty(fewer, async (kept) => {
    if (performance.now() > until) return true // fast-check's own limit would leave a world under way on this disk
    const smaller = { ...plan, doings: plan.doings.filter((_, index) => kept.includes(index)) }
    const played = await play(disk, smaller, spoil)
    if (played.violations.length > 0 && smaller.doings.length < (least?.plan.doings.length ?? Infinity))
      least = { plan: smaller, played }
    return played.violations.length === 0
  })
  const all = [...plan.doings.keys()]
  await fc.check(property, { numRuns: 1, examples: [[all]], seed: 1 })
  return least
}

function report(seed: number, violation: string, { plan, played }: Failing): string {
  const { doings, ...settings } = plan
  return [
    `seed ${seed}: ${violation}`,
    `  ${JSON.stringify(settings)}`,
    ...doings.map((doing) => `  ${JSON.stringify(doing)}`),
    ...played.trace.slice(-lastLines).map((line) => `    ${line}`),
  ].join('\n')
}
