import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crashRun, totalKills } from './crash-run.ts'
import { dockerChaosEngine, simulatedChaosEngine } from './chaos-engine.ts'

/** Totals so far. */
export interface Tally {
  readonly kind: 'fake' | 'live'
  /** Number of kills by kind of crash point. */
  readonly kills: Map<string, number>
  requests: number
  runs: number
}

/** Fixed, so that a seed always produces the same run. */
const killsPerRun = 60

/**
 * Executes crash runs with the seeds `seed`, `seed + step`, … while `shouldContinue()`, and counts into `tally`. A run in progress is then
 * finished early.
 * @throws {InvariantViolation} at the first violation; the folder of the run is then kept.
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
        tally.runs += 1
      } finally {
        if (!dockerEngine) await engine.close()
      }
      rmSync(folder, { recursive: true, force: true })
    }
  } finally {
    await dockerEngine?.close()
  }
}
