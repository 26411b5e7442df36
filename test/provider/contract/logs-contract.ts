import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogChunk, LogOptions } from '../../../src/provider/guest.ts'
import type { OutputChunk } from '../../../src/workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { type ProviderFixture, newWorkspaceRef, neverAborted, runningWorkspace, valueOf } from './provider-fixture.ts'

const allLogs: LogOptions = { since: null, tail: null, follow: false }

/** The output of a workspace's main process, and of its lifecycle commands. */
export function logsContract(createFixture: () => Promise<ProviderFixture>): void {
  let fixture: ProviderFixture
  beforeEach(async () => {
    fixture = await createFixture()
  })
  afterEach(() => fixture.close())

  async function read(
    workspace: WorkspaceRef,
    options: LogOptions,
    signal = neverAborted(),
  ): Promise<readonly LogChunk[]> {
    const chunks: LogChunk[] = []
    for await (const chunk of valueOf(await fixture.provider.guest.logs(workspace, options, signal))) chunks.push(chunk)
    return chunks
  }

  describe('the output of the main process', () => {
    it('can be read to its end while the workspace runs and after it has stopped', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      expect(await read(workspace, allLogs)).toEqual(await read(workspace, { ...allLogs, since: 0, tail: 5 }))
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      await read(workspace, allLogs)
      await read(workspace, { ...allLogs, follow: true })
    })

    it('is followed until the main process ends', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const following = read(workspace, { ...allLogs, follow: true })
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      await following
    })

    it('is followed until the reader aborts', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const abortController = new AbortController()
      const outputs = valueOf(
        await fixture.provider.guest.logs(workspace, { ...allLogs, follow: true }, abortController.signal),
      )
      const finished = (async () => {
        for await (const chunk of outputs) expect(chunk.bytes.length).toBeGreaterThan(0)
      })()
      abortController.abort()
      await finished
    })
  })

  describe('the output of lifecycle commands', () => {
    it('is reported in full, with the name of the command, even if the command fails', async () => {
      const run = "head -c 100000 /dev/zero; printf 'a\\377\\n' >&2; exit 3"
      const spec = fixture.newSpec({
        onCreate: [{ name: 'onCreateCommand', run: 'echo first' }],
        postStart: [{ name: 'postStartCommand.one', run }],
      })
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(spec))
      const outputs: { command: string; output: OutputChunk }[] = []
      const outcome = await fixture.provider.setup(
        workspace,
        neverAborted(),
        () => undefined,
        (command, output) => outputs.push({ command, output }),
      )
      expect(outcome.ok).toBe(false)
      // A provider may merge both streams.
      const outputOf = (name: string) =>
        Buffer.concat(
          (['stdout', 'stderr'] as const).flatMap((stream) =>
            outputs
              .filter(({ command, output }) => command === name && output.stream === stream)
              .map(({ output }) => output.bytes),
          ),
        )
      expect(outputOf('onCreateCommand').toString()).toBe('first\n')
      const odd = Buffer.from([0x61, 0xff, 0x0a])
      expect(outputOf('postStartCommand.one').equals(Buffer.concat([Buffer.alloc(100_000), odd]))).toBe(true)
    })
  })
}
