import { afterEach, beforeEach } from 'vitest'
import type { GuestProcess } from '../../../src/provider/guest.ts'
import type { GuestCommand } from '../../../src/workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { newWorkspaceRef, runningWorkspace } from '../contract/provider-fixture.ts'
import { type ProcessFixture, processFixture } from './process-fixture.ts'
import { startShell } from '../contract/guest-processes.ts'

/** A workspace of plain processes for each test of a suite. */
export function useProcessGuest() {
  let fixture: ProcessFixture
  let workspace: WorkspaceRef
  beforeEach(async () => {
    fixture = await processFixture()
    workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec({ remoteUser: 'vscode' })))
  })
  afterEach(() => fixture.close())
  return {
    get fixture() {
      return fixture
    },
    get workspace() {
      return workspace
    },
    startShell: (script: string, partial: Partial<GuestCommand> = {}): Promise<GuestProcess> =>
      startShell(fixture.provider.guest, workspace, script, partial),
    /** The output of a command, both streams together, and its exit. */
    async collectOutput(process: GuestProcess): Promise<readonly [string, object]> {
      const chunks: Buffer[] = []
      for await (const { bytes } of process.output) chunks.push(bytes)
      return [Buffer.concat(chunks).toString(), await process.exited]
    },
  }
}
