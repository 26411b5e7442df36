import { describe, expect, it } from 'vitest'
import { play } from './play.ts'
import { planOf } from './run-world.ts'
import { runWorlds } from './run-worlds.ts'
import { worldDisk } from './world-disk.ts'

// The long form is `npm run chaos`, with thousands of them.
const worlds = 80

describe('a simulated world', () => {
  it('keeps every law at every step, and comes to rest where its last commands explain it', {
    timeout: 120_000,
  }, async () => {
    const said: string[] = []
    const done = await runWorlds({ seeds: worlds, from: 1, say: (line) => said.push(line) })
    expect(done.violations.join('\n\n')).toBe('')
    expect(done.worlds).toBe(worlds)
  })

  it('is the same world again with the same seed', async () => {
    const disk = worldDisk()
    for (const seed of [3, 5, 7, 11]) {
      const [first, second] = [await play(disk, planOf(seed)), await play(disk, planOf(seed))]
      expect(second.trace).toEqual(first.trace)
      expect(first.trace.length).toBeGreaterThan(20)
    }
    disk.close()
  })
})
