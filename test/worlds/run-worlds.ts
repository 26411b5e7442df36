import { runWorld } from './run-world.ts'
import { worldDisk } from './world-disk.ts'

const sayEvery = 500
/** A bug shows in many worlds: the first ones are enough, and each takes time to make smaller. */
const mostViolations = 10

/**
 * Plays `seeds` worlds, from seed `from` on, one after the other on one database file. Stops early when there are many violations.
 * A seed is the same world each time.
 */
export async function runWorlds({
  seeds,
  from,
  say,
}: {
  seeds: number
  from: number
  say: (line: string) => void
}): Promise<{ worlds: number; violations: readonly string[] }> {
  const disk = worldDisk()
  const violations: string[] = []
  const begun = performance.now()
  let worlds = 0
  try {
    for (; worlds < seeds && violations.length < mostViolations; worlds += 1) {
      const found = await runWorld(disk, from + worlds, { shrink: true })
      for (const violation of found) say(violation)
      violations.push(...found)
      if ((worlds + 1) % sayEvery === 0) {
        const rate = (worlds + 1) / ((performance.now() - begun) / 1000)
        say(`${worlds + 1} worlds, ${violations.length} violations, ${rate.toFixed(1)} worlds a second`)
      }
    }
  } finally {
    disk.close()
  }
  return { worlds, violations }
}
