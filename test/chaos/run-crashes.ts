import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crashRun, totalKills } from './crash-run.ts'
import { dockerChaosEngine, simulatedChaosEngine } from './chaos-engine.ts'

/** What was done so far. */
export interface Tally {
  readonly kind: 'fake' | 'live'
  /** Kills by the kind of point that they came at. */
  readonly kills: Map<string, number>
  requests: number
  worlds: number
}

/** So many kills a world has, so that a seed is the same world each time. */
const killsPerRun = 60

/**
 * Makes one world after the other, beginning with `seed` and going on in steps of `step`, while `goesOn`, and counts into `tally`. One
 * that has begun when time is up is brought to its end early.
 * @throws {Violated} at the first thing that does not hold; the world's folder is kept then.
 */
export async function runCrashes(tally: Tally, seed: number, shouldContinue: () => boolean, step = 1): Promise<void> {
  const dockerEngine = tally.kind === 'live' ? await dockerChaosEngine() : undefined
  try {
    for (let runSeed = seed; runSeed === seed || shouldContinue(); runSeed += step) {
      const folder = mkdtempSync(join(tmpdir(), 'vm-api-chaos-'))
      const engine = dockerEngine ?? (await simulatedChaosEngine(folder, runSeed))
      const run = crashRun(runSeed, folder, engine)
      const previous = { kills: new Map(tally.kills), requests: tally.requests }
      const updateTally = () => {
        for (const [kind, kills] of run.kills) tally.kills.set(kind, (previous.kills.get(kind) ?? 0) + kills)
        tally.requests = previous.requests + run.requests()
      }
      try {
        do {
          await run.round()
          updateTally()
        } while (totalKills(run.kills) < killsPerRun && shouldContinue())
        await run.end()
        updateTally()
        tally.worlds += 1
      } finally {
        if (!dockerEngine) await engine.close()
      }
      rmSync(folder, { recursive: true, force: true })
    }
  } finally {
    await dockerEngine?.close()
  }
}
