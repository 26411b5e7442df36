import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, expect } from 'vitest'
import type { FileOutcome } from '../../src/provider/inside.ts'
import type { Provider } from '../../src/provider/provider.ts'
import type { Fault } from '../../src/workspace/fault.ts'
import type { FileRefusal } from '../../src/workspace/file.ts'
import type { Recipe } from '../../src/workspace/recipe.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { type Bench, newSubject, unhurried, up, valueOf } from './bench.ts'
import { commandOf } from './run-bench.ts'

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
export function sharedWorkspace(make: () => Promise<Bench>, recipe: Partial<Recipe> = {}) {
  let bench: Bench | undefined
  let subject: Subject | undefined
  const close = async () => {
    await bench?.close()
    bench = undefined
    subject = undefined
  }
  afterAll(close)
  return async (): Promise<{ readonly bench: Bench; readonly subject: Subject }> => {
    if (bench && subject && (await emptied(bench.provider, subject))) return { bench, subject }
    await close()
    bench = await make()
    subject = await up(bench.provider, newSubject(bench.recipe(recipe)))
    return { bench, subject }
  }
}

/** Ends what tests have left running and lying about. False if the workspace does not run. */
async function emptied({ inside }: Provider, subject: Subject): Promise<boolean> {
  await inside.endRun(subject, commandOf({}).mark, unhurried())
  const argv = ['/bin/sh', '-c', 'rm -rf -- * .[!.]* ..?*']
  const run = await inside.run(subject, commandOf({ argv, mark: 'empties' }), unhurried())
  return run.ok && (await run.value.ended).kind === 'exited'
}

/** What a workspace answers to a request for a file that it ought to grant. */
export function granted<T>(outcome: FileOutcome<T>): T {
  if (!outcome.ok)
    expect.fail('refused' in outcome ? `${outcome.refused}: ${outcome.message}` : `fault: ${outcome.fault.message}`)
  return outcome.value
}

/** Why it refused one that it ought not to grant. */
export function refusedOf<T>(outcome: FileOutcome<T>): FileRefusal {
  if (outcome.ok) expect.fail(`a refusal was expected, not ${JSON.stringify(outcome.value)}`)
  if (!('refused' in outcome)) expect.fail(`a refusal was expected, not the fault: ${outcome.fault.message}`)
  expect(outcome.message).not.toBe('')
  return outcome.refused
}

/** The fault of a request for a file that cannot be answered, and that the workspace has no reason to refuse. */
export function faultIn<T>(outcome: FileOutcome<T>): Fault {
  if (outcome.ok) expect.fail(`a fault was expected, not ${JSON.stringify(outcome.value)}`)
  if ('refused' in outcome) expect.fail(`a fault was expected, not the refusal: ${outcome.message}`)
  return outcome.fault
}

/** What a script prints inside a workspace, run by its shell without any of the verbs for files. */
export async function told(provider: Provider, subject: Subject, script: string, ...args: string[]): Promise<string> {
  const argv = ['/bin/sh', '-c', script, 'sh', ...args]
  const command = { mark: 'told', argv, env: {}, cwd: null, user: null, stdin: false, terminal: null }
  const run = valueOf(await provider.inside.run(subject, command, unhurried()))
  const pieces: Buffer[] = []
  for await (const { bytes } of run.output) pieces.push(bytes)
  const text = Buffer.concat(pieces).toString()
  expect(await run.ended, text).toEqual({ kind: 'exited', code: 0 })
  return text
}

export function textOf(text: string): Readable {
  return Readable.from([Buffer.from(text)])
}

/** A source that is cut off after so many bytes, as a lost connection does it. */
export function cutOff(bytes: Buffer): Readable {
  let sent = false
  return new Readable({
    read() {
      if (sent) this.destroy(new Error('aborted'))
      else this.push(bytes)
      sent = true
    },
  })
}

export async function bytesOf(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** So many bytes that do not repeat, piece by piece, and their checksum once all have been read. */
export function flood(bytes: number): { readonly source: Readable; checksum(): string } {
  const hash = createHash('sha256')
  function* pieces(): Generator<Buffer> {
    for (let at = 0; at < bytes; at += 65_536) {
      const piece = Buffer.alloc(Math.min(65_536, bytes - at), `${at} `)
      hash.update(piece)
      yield piece
    }
  }
  return { source: Readable.from(pieces(), { objectMode: false }), checksum: () => hash.digest('hex') }
}
