import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { ok, fault } from '../../../../workspace/fault.ts'
import type { FileOutcome } from '../../../guest.ts'
import { type RefusedFile, refuseFile } from '../../../refuse-file.ts'
import { removeTree } from '../../host/remove-tree.ts'
import { type WorkspaceDirectory, newTemporaryPath } from '../../keeper/workspace-directory.ts'
import { findMergeConflict, mergeTree } from './merge-tree.ts'
import { resolveDirectoryInHome } from './resolve-path.ts'
import { extractEntry } from './extract-entry.ts'
import { systemErrorCode } from '../../host/system-error.ts'

/**
 * Unpacks a tar stream into a directory after the whole stream has arrived and been checked. An entry that leads out, or is not a file, a
 * directory or a link, refuses the whole archive. Throws system errors.
 */
export async function unpackTree(
  directory: WorkspaceDirectory,
  path: string,
  source: Readable,
  signal: AbortSignal,
): Promise<FileOutcome<void>> {
  const nearestDirectory = await resolveDirectoryInHome(directory.home, path, { make: false })
  if (!nearestDirectory.ok) return nearestDirectory
  const stagingDirectory = await newTemporaryPath(directory)
  await mkdir(stagingDirectory, { mode: 0o700 })
  try {
    const extraction = await extractTree(stagingDirectory, path, source, signal)
    if (!extraction.ok) return extraction
    const location = await resolveDirectoryInHome(directory.home, path, { make: true })
    if (!location.ok) return location
    const conflict = await findMergeConflict(stagingDirectory, location.value)
    if (conflict !== null) return refuseFile('exists', join(path, conflict), 'a directory is in the place of a file')
    await mergeTree(stagingDirectory, location.value)
    return ok(undefined)
  } finally {
    await removeTree(stagingDirectory)
  }
}

async function extractTree(
  stagingDirectory: string,
  path: string,
  source: Readable,
  signal: AbortSignal,
): Promise<FileOutcome<void>> {
  const archive = extract()
  const sourceState: { errorMessage: string | null } = { errorMessage: null }
  async function* readSource(): AsyncGenerator {
    try {
      yield* addAbortSignal(signal, source)
    } catch (error) {
      sourceState.errorMessage = error instanceof Error ? error.message : String(error)
      throw error
    }
  }
  const piping = pipeline(readSource, archive).then(
    () => null,
    (error: unknown) => ({ error }),
  )
  let refusal: RefusedFile | null = null
  let failure: { readonly error: unknown } | null = null
  try {
    for await (const entry of archive) {
      refusal = await extractEntry(stagingDirectory, entry)
      if (refusal !== null) break
    }
  } catch (error) {
    failure = { error }
  }
  failure = (await piping) ?? failure
  if (refusal !== null) return refusal
  if (sourceState.errorMessage !== null || signal.aborted)
    return fault('transient', `${path} was not unpacked: ${sourceState.errorMessage ?? 'the request was cancelled'}`)
  if (failure === null) return ok(undefined)
  if (systemErrorCode(failure.error) !== '') throw failure.error
  return refuseFile('impossible', path, `the archive is damaged: ${String(failure.error)}`)
}
