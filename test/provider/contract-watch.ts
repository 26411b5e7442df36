import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Notice } from '../../src/provider/provider.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Bench } from './bench.ts'
import { listen, newSubject, up } from './bench.ts'

function changed(id: WorkspaceId): (notice: Notice) => boolean {
  return (notice) => notice.kind === 'changed' && notice.workspaceId === id
}

/** What a provider says of its own accord. */
export function watchContract(make: () => Promise<Bench>): void {
  let bench: Bench
  beforeEach(async () => {
    bench = await make()
  })
  afterEach(() => bench.close())

  describe('watching', () => {
    it('tells connected first, and changed for a container that dies', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      const ear = listen(bench.provider)
      await ear.until((notice) => notice.kind === 'connected')
      expect(ear.heard[0]).toEqual({ kind: 'connected' })
      await bench.kill(subject.containerId)
      await ear.until(changed(subject.id))
      ear.close()
    })

    it('tells a restarted service of a container that its predecessor had booted', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      const ear = listen(bench.again())
      await ear.until((notice) => notice.kind === 'connected')
      await bench.kill(subject.containerId)
      await ear.until(changed(subject.id))
      ear.close()
    })

    it('tells nothing after it was closed, nor of containers that are not ours', async () => {
      const closed = listen(bench.provider)
      const foreign = listen(bench.other())
      const open = listen(bench.again())
      for (const ear of [closed, foreign, open]) await ear.until((notice) => notice.kind === 'connected')
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      closed.close()
      const before = closed.heard.length
      await bench.kill(subject.containerId)
      await open.until(changed(subject.id))
      expect(closed.heard.length).toBe(before)
      expect(foreign.heard.filter(changed(subject.id))).toEqual([])
      open.close()
      foreign.close()
    })

    it('may be closed twice', () => {
      const ear = listen(bench.provider)
      ear.close()
      ear.close()
    })
  })
}
