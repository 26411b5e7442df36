import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, expect } from 'vitest'
import type { FileOutcome } from '../../../src/provider/guest.ts'
import type { Provider } from '../../../src/provider/provider.ts'
import type { Fault } from '../../../src/workspace/fault.ts'
import type { FileRefusal } from '../../../src/workspace/file.ts'
import type { WorkspaceSpec } from '../../../src/workspace/spec.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { type ProviderFixture, newWorkspaceRef, neverAborted, runningWorkspace, valueOf } from './provider-fixture.ts'
import { commandOf } from './guest-processes.ts'

/** File names that commonly break shells, option parsers, line readers and archives. */
export const hostileNames = [
  'two words',
  ' blanks around ',
  'new\nline',
  "it's",
  '"quoted"',
  '-rf',
  '--help',
  '$(touch pwned)',
  '`id`',
  'back\\slash',
  '*',
  '~',
  'Grüße 🚀',
  'tab\there',
  '.hidden',
  'a;b&c|d',
  'n'.repeat(200),
]

/**
 * Returns a running workspace with an empty folder, before each test. Tests share it, because a boot takes longer than most tests; a
 * workspace that is no longer running is replaced.
 */
export function sharedWorkspace(createFixture: () => Promise<ProviderFixture>, spec: Partial<WorkspaceSpec> = {}) {
  let fixture: ProviderFixture | undefined
  let workspace: WorkspaceRef | undefined
  const close = async () => {
    await fixture?.close()
    fixture = undefined
    workspace = undefined
  }
  afterAll(close)
  return async (): Promise<{ readonly fixture: ProviderFixture; readonly workspace: WorkspaceRef }> => {
    if (fixture && workspace && (await emptyWorkspace(fixture.provider, workspace))) return { fixture, workspace }
    await close()
    fixture = await createFixture()
    workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec(spec)))
    return { fixture, workspace }
  }
}

/** Kills processes and removes files that tests have left. False if the workspace is not running. */
async function emptyWorkspace({ guest }: Provider, workspace: WorkspaceRef): Promise<boolean> {
  await guest.killLeftover(workspace, commandOf({}).tag, neverAborted())
  const argv = ['/bin/sh', '-c', 'rm -rf -- * .[!.]* ..?*']
  const process = await guest.exec(workspace, commandOf({ argv, tag: 'empties' }), neverAborted())
  return process.ok && (await process.value.exited).kind === 'exited'
}

/** The value of a file operation. A refusal or a fault fails the test. */
export function fileValueOf<T>(outcome: FileOutcome<T>): T {
  if (!outcome.ok)
    expect.fail('refused' in outcome ? `${outcome.refused}: ${outcome.message}` : `fault: ${outcome.fault.message}`)
  return outcome.value
}

/** The refusal of a file operation. A value or a fault fails the test. */
export function refusalOf<T>(outcome: FileOutcome<T>): FileRefusal {
  if (outcome.ok) expect.fail(`a refusal was expected, not ${JSON.stringify(outcome.value)}`)
  if (!('refused' in outcome)) expect.fail(`a refusal was expected, not the fault: ${outcome.fault.message}`)
  expect(outcome.message).not.toBe('')
  return outcome.refused
}

/** The fault of a file operation. A value or a refusal fails the test. */
export function fileFaultOf<T>(outcome: FileOutcome<T>): Fault {
  if (outcome.ok) expect.fail(`a fault was expected, not ${JSON.stringify(outcome.value)}`)
  if ('refused' in outcome) expect.fail(`a fault was expected, not the refusal: ${outcome.message}`)
  return outcome.fault
}

/** The output of a shell script in a workspace, independent of the file operations of the port. */
export async function runScript(
  provider: Provider,
  workspace: WorkspaceRef,
  script: string,
  ...args: string[]
): Promise<string> {
  const argv = ['/bin/sh', '-c', script, 'sh', ...args]
  const command = { tag: 'script', argv, env: {}, cwd: null, user: null, stdin: false, terminal: null }
  const process = valueOf(await provider.guest.exec(workspace, command, neverAborted()))
  const chunks: Buffer[] = []
  for await (const { bytes } of process.output) chunks.push(bytes)
  const text = Buffer.concat(chunks).toString()
  expect(await process.exited, text).toEqual({ kind: 'exited', code: 0 })
  return text
}

export function textSource(text: string): Readable {
  return Readable.from([Buffer.from(text)])
}

/** A source that fails after the given bytes, as a lost connection does. */
export function truncatedSource(bytes: Buffer): Readable {
  let sent = false
  return new Readable({
    read() {
      if (sent) this.destroy(new Error('aborted'))
      else this.push(bytes)
      sent = true
    },
  })
}

export async function readBytes(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** A source of this many non-repeating bytes. The checksum is valid once all bytes have been read. */
export function largeSource(bytes: number): { readonly source: Readable; checksum(): string } {
  const hash = createHash('sha256')
  function* chunks(): Generator<Buffer> {
    for (let at = 0; at < bytes; at += 65_536) {
      const chunk = Buffer.alloc(Math.min(65_536, bytes - at), `${at} `)
      hash.update(chunk)
      yield chunk
    }
  }
  return { source: Readable.from(chunks(), { objectMode: false }), checksum: () => hash.digest('hex') }
}
