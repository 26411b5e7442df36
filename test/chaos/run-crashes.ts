import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crashWorld, total } from './crash-world.ts'
import { dockerEngine, fakeEngine } from './engine-under-fire.ts'

/** What was done so far. */
export interface Tally {
  readonly kind: 'fake' | 'live'
  /** Kills by the kind of point that they came at. */
  readonly kills: Map<string, number>
  requests: number
  worlds: number
}

/** So many kills a world has, so that a seed is the same world each time. */
const killsPerWorld = 60

/**
 * Makes one world after the other, beginning with `seed` and going on in steps of `step`, while `goesOn`, and counts into `tally`. One
 * that has begun when time is up is brought to its end early.
 * @throws {Violated} at the first thing that does not hold; the world's folder is kept then.
 */
export async function runCrashes(tally: Tally, seed: number, goesOn: () => boolean, step = 1): Promise<void> {
  const live = tally.kind === 'live' ? await dockerEngine() : undefined
  try {
    for (let next = seed; next === seed || goesOn(); next += step) {
      const folder = mkdtempSync(join(tmpdir(), 'vm-api-chaos-'))
      const engine = live ?? (await fakeEngine(folder, next))
      const world = crashWorld(next, folder, engine)
      const before = { kills: new Map(tally.kills), requests: tally.requests }
      const count = () => {
        for (const [kind, kills] of world.kills) tally.kills.set(kind, (before.kills.get(kind) ?? 0) + kills)
        tally.requests = before.requests + world.requests()
      }
      try {
        do {
          await world.round()
          count()
        } while (total(world.kills) < killsPerWorld && goesOn())
        await world.end()
        count()
        tally.worlds += 1
      } finally {
        if (!live) await engine.close()
      }
      rmSync(folder, { recursive: true, force: true })
    }
  } finally {
    await live?.close()
  }
}
