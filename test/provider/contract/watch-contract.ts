import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EngineNotice } from '../../../src/provider/provider.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { ProviderFixture } from './provider-fixture.ts'
import { watchProvider, newWorkspaceRef, runningWorkspace } from './provider-fixture.ts'

function isChangeOf(id: WorkspaceId): (notice: EngineNotice) => boolean {
  return (notice) => notice.kind === 'changed' && notice.workspaceId === id
}

/** Notices that a provider sends to its watchers. */
export function watchContract(createFixture: () => Promise<ProviderFixture>): void {
  let fixture: ProviderFixture
  beforeEach(async () => {
    fixture = await createFixture()
  })
  afterEach(() => fixture.close())

  describe('watching', () => {
    it('reports connected first, and changed for a container that dies', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const watcher = watchProvider(fixture.provider)
      await watcher.waitFor((notice) => notice.kind === 'connected')
      expect(watcher.notices[0]).toEqual({ kind: 'connected' })
      await fixture.kill(workspace.containerId)
      await watcher.waitFor(isChangeOf(workspace.id))
      watcher.close()
    })

    it('reports to a restarted service the end of a container that its predecessor booted', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const watcher = watchProvider(fixture.restarted())
      await watcher.waitFor((notice) => notice.kind === 'connected')
      await fixture.kill(workspace.containerId)
      await watcher.waitFor(isChangeOf(workspace.id))
      watcher.close()
    })

    it('reports nothing after close, and nothing of other installations', async () => {
      const closed = watchProvider(fixture.provider)
      const foreign = watchProvider(fixture.otherInstallation())
      const open = watchProvider(fixture.restarted())
      for (const watcher of [closed, foreign, open]) await watcher.waitFor((notice) => notice.kind === 'connected')
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      closed.close()
      const before = closed.notices.length
      await fixture.kill(workspace.containerId)
      await open.waitFor(isChangeOf(workspace.id))
      expect(closed.notices.length).toBe(before)
      expect(foreign.notices.filter(isChangeOf(workspace.id))).toEqual([])
      open.close()
      foreign.close()
    })

    it('may be closed twice', () => {
      const watcher = watchProvider(fixture.provider)
      watcher.close()
      watcher.close()
    })
  })
}
