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

/** Names that shells, option parsers, line readers and archives are known to stumble over. */
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
 * A running workspace with an empty folder, for before each test. To boot one takes longer than most tests do, so they share it: one
 * that does not run any more is replaced by another.
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

/** Ends what tests have left running and lying about. False if the workspace does not run. */
async function emptyWorkspace({ guest }: Provider, workspace: WorkspaceRef): Promise<boolean> {
  await guest.killLeftover(workspace, commandOf({}).tag, neverAborted())
  const argv = ['/bin/sh', '-c', 'rm -rf -- * .[!.]* ..?*']
  const process = await guest.exec(workspace, commandOf({ argv, tag: 'empties' }), neverAborted())
  return process.ok && (await process.value.exited).kind === 'exited'
}

/** What a workspace answers to a request for a file that it ought to grant. */
export function fileValueOf<T>(outcome: FileOutcome<T>): T {
  if (!outcome.ok)
    expect.fail('refused' in outcome ? `${outcome.refused}: ${outcome.message}` : `fault: ${outcome.fault.message}`)
  return outcome.value
}

/** Why it refused one that it ought not to grant. */
export function refusalOf<T>(outcome: FileOutcome<T>): FileRefusal {
  if (outcome.ok) expect.fail(`a refusal was expected, not ${JSON.stringify(outcome.value)}`)
  if (!('refused' in outcome)) expect.fail(`a refusal was expected, not the fault: ${outcome.fault.message}`)
  expect(outcome.message).not.toBe('')
  return outcome.refused
}

/** The fault of a request for a file that cannot be answered, and that the workspace has no reason to refuse. */
export function fileFaultOf<T>(outcome: FileOutcome<T>): Fault {
  if (outcome.ok) expect.fail(`a fault was expected, not ${JSON.stringify(outcome.value)}`)
  if ('refused' in outcome) expect.fail(`a fault was expected, not the refusal: ${outcome.message}`)
  return outcome.fault
}

/** The output of a shell script in a workspace, which does not depend on the file operations of the port. */
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

/** A source that is cut off after so many bytes, as a lost connection does it. */
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

/** So many bytes that do not repeat, piece by piece, and their checksum once all have been read. */
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
