import { describe, expect, test } from 'vitest'
import { canRunEngines } from '../engine/engine-process.ts'
import { runCrashes, type Tally } from './run-crashes.ts'
import { crashPointKinds } from './chaos-service.ts'

// A short version of `npm run chaos`: the built service, a database file, and SIGKILL.

const start = (kind: Tally['kind']): Tally => ({ kind, kills: new Map(), requests: 0, runs: 0 })
const killsIn = ({ kills }: Tally) => [...kills.values()].reduce((sum, each) => sum + each, 0)

describe('the service, killed before and after commits, engine calls and replies', { timeout: 150_000 }, () => {
  test('loses no acknowledged change, repeats no command and leaves no container behind, on a simulated engine', async () => {
    const tally = start('fake')
    await runCrashes(tally, 1, () => killsIn(tally) < 24)
    expect(killsIn(tally)).toBeGreaterThanOrEqual(24)
    expect([...tally.kills.keys()]).toEqual(expect.arrayContaining([...crashPointKinds]))
    expect(tally.requests).toBeGreaterThan(120)
  })

  test.skipIf(!canRunEngines())(
    'loses no acknowledged change, repeats no command and leaves no container behind, on a Docker engine',
    async () => {
      const tally = start('live')
      await runCrashes(tally, 1, () => killsIn(tally) < 4)
      expect(killsIn(tally)).toBeGreaterThanOrEqual(4)
    },
  )
})
