import { rmSync } from 'node:fs'
import { appendFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogOptions } from '../../../src/provider/guest.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { faultOf, newWorkspaceRef, neverAborted, runningWorkspace, valueOf } from '../contract/provider-fixture.ts'
import { type ProcessFixture, processFixture } from './process-fixture.ts'

describe.skipIf(process.platform === 'win32')('The log of a workspace of plain processes', () => {
  let fixture: ProcessFixture
  let workspace: WorkspaceRef
  beforeEach(async () => {
    fixture = await processFixture()
    workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
  })
  afterEach(() => fixture.close())

  const all: LogOptions = { since: null, tail: null, follow: false }
  const logFile = () => join(fixture.root, workspace.id, 'keeper.log')
  const write = (text: string) => appendFile(logFile(), text)
  const chunks = async (options: Partial<LogOptions>, signal = neverAborted()) =>
    valueOf(await fixture.provider.guest.logs(workspace, { ...all, ...options }, signal))

  async function textOf(options: Partial<LogOptions>): Promise<string> {
    let text = ''
    for await (const { stream, bytes, at } of await chunks(options)) {
      expect([stream, at]).toEqual(['stderr', null])
      text += bytes.toString()
    }
    return text
  }

  it("is the output of its keepers, or its last lines, also after the keeper's exit", async () => {
    expect(await textOf({})).toBe('')
    await write('one\ntwo\n\nfour')
    expect(await textOf({})).toBe('one\ntwo\n\nfour')
    expect(await textOf({ tail: 0 })).toBe('')
    expect(await textOf({ tail: 1 })).toBe('four')
    expect(await textOf({ tail: 3 })).toBe('two\n\nfour')
    // The shell may print a line at its end.
    valueOf(await fixture.provider.stop(workspace, neverAborted()))
    await truncate(logFile(), 13)
    await write('\n')
    expect(await textOf({ tail: 1 })).toBe('four\n')
    expect(await textOf({ tail: 9, follow: true })).toBe('one\ntwo\n\nfour\n')
    await write('x'.repeat(200_000))
    await write('\nlast\n')
    expect(await textOf({ tail: 2 })).toBe(`${'x'.repeat(200_000)}\nlast\n`)
  })

  it('is followed until the keeper exits, including its last output', async () => {
    await write('one\n')
    let text = ''
    for await (const { bytes } of await chunks({ follow: true })) {
      text += bytes.toString()
      if (text === 'one\n') await write('two\n')
      if (text === 'one\ntwo\n') {
        await fixture.provider.stop(workspace, neverAborted())
        await write('three\n')
      }
    }
    expect(text).toMatch(/^one\ntwo\n(Terminated\n)?three\n$/)
  })

  it('is followed until the reader aborts, and is missing for a removed workspace', async () => {
    await write('one\n')
    const leaving = new AbortController()
    for await (const { bytes } of await chunks({ follow: true }, leaving.signal)) {
      expect(bytes.toString()).toBe('one\n')
      leaving.abort()
    }
    valueOf(await fixture.provider.remove(workspace.id, workspace.containerId, neverAborted()))
    expect(faultOf(await fixture.provider.guest.logs(workspace, all, neverAborted())).kind).toBe('missing')
  })

  it('includes the output of lifecycle commands, with the name of the command, while they run', async () => {
    const onCreate = [
      {
        name: 'onCreateCommand',
        run: 'touch running; echo out; echo err >&2; while [ -e running ]; do sleep 0.02; done; exit 0',
      },
    ]
    const postStart = [{ name: 'postStartCommand.big', run: 'seq 1 100000; exit 3' }]
    const workspaceWithCommands = { ...workspace, spec: fixture.newSpec({ onCreate, postStart }) }
    const outputByCommand = new Map<string, string>()
    const linesOf = (name: string) => outputByCommand.get(name)?.trimEnd().split('\n').toSorted() ?? []
    const recordOutput = (name: string, bytes: Buffer) => {
      outputByCommand.set(name, (outputByCommand.get(name) ?? '') + bytes.toString())
      // The order of the two streams is not guaranteed.
      if (linesOf('onCreateCommand').length === 2)
        rmSync(join(fixture.root, workspace.id, 'home', 'running'), { force: true })
    }
    const { kind } = faultOf(
      await fixture.provider.setup(
        workspaceWithCommands,
        neverAborted(),
        () => undefined,
        (name, { bytes }) => recordOutput(name, bytes),
      ),
    )
    expect(kind).toBe('permanent')
    expect(linesOf('onCreateCommand')).toEqual(['err', 'out'])
    expect(outputByCommand.get('postStartCommand.big')?.split('\n').length).toBe(100_001)
  })
})
