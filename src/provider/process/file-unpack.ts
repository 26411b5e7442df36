import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { done, fault } from '../../workspace/fault.ts'
import type { FileOutcome } from '../inside.ts'
import { type Refused, refuse } from '../refused.ts'
import { clear } from './clear.ts'
import { type Directory, newIncoming } from './directory.ts'
import { clash, merge } from './file-merge.ts'
import { locateDirectory } from './file-path.ts'
import { putEntry } from './file-unpack-entry.ts'
import { codeOf } from './system-error.ts'

/**
 * Puts what is in a tar stream into a directory, once all of it has come and has been looked at: what would lead out, or is no file,
 * directory or link, refuses the whole. May throw what the system says.
 */
export async function unpackTree(
  directory: Directory,
  path: string,
  source: Readable,
  signal: AbortSignal,
): Promise<FileOutcome<void>> {
  const nearest = await locateDirectory(directory.home, path, { make: false })
  if (!nearest.ok) return nearest
  const draft = await newIncoming(directory)
  await mkdir(draft, { mode: 0o700 })
  try {
    const taken = await takeTree(draft, path, source, signal)
    if (!taken.ok) return taken
    const located = await locateDirectory(directory.home, path, { make: true })
    if (!located.ok) return located
    const there = await clash(draft, located.value)
    if (there !== null) return refuse('exists', join(path, there), 'a directory, where a file is to be put')
    await merge(draft, located.value)
    return done(undefined)
  } finally {
    await clear(draft)
  }
}

async function takeTree(
  draft: string,
  path: string,
  source: Readable,
  signal: AbortSignal,
): Promise<FileOutcome<void>> {
  const archive = extract()
  const came: { cutOff: string | null } = { cutOff: null }
  async function* pieces(): AsyncGenerator {
    try {
      yield* addAbortSignal(signal, source)
    } catch (error) {
      came.cutOff = error instanceof Error ? error.message : String(error)
      throw error
    }
  }
  const feeding = pipeline(pieces, archive).then(
    () => null,
    (error: unknown) => ({ error }),
  )
  let refused: Refused | null = null
  let failed: { readonly error: unknown } | null = null
  try {
    for await (const entry of archive) {
      refused = await putEntry(draft, entry)
      if (refused !== null) break
    }
  } catch (error) {
    failed = { error }
  }
  failed = (await feeding) ?? failed
  if (refused !== null) return refused
  if (came.cutOff !== null || signal.aborted)
    return fault('later', `${path} was not unpacked: ${came.cutOff ?? 'nobody waits for it any more'}`)
  if (failed === null) return done(undefined)
  if (codeOf(failed.error) !== '') throw failed.error
  return refuse('impossible', path, `the archive is damaged: ${String(failed.error)}`)
}
