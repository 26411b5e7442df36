import { lstat, mkdir, rename, rmdir, unlink } from 'node:fs/promises'
import { ok, fault } from '../../../../workspace/fault.ts'
import type { FileRefusal } from '../../../../workspace/file.ts'
import type { WorkspaceRef } from '../../../../workspace/workspace-ref.ts'
import type { FileOutcome, GuestFiles } from '../../../guest.ts'
import { type RefusedFile, refuseFile } from '../../../refuse-file.ts'
import { removeTree } from '../../host/remove-tree.ts'
import type { WorkspaceDirectory } from '../../keeper/workspace-directory.ts'
import { readFileContent, writeFileContent } from './file-content.ts'
import { listFileEntries, lstatIfExists, readFileEntry } from './file-entry.ts'
import { packTree } from './pack-tree.ts'
import { resolveInHome, resolveDirectoryInHome } from './resolve-path.ts'
import { unpackTree } from './unpack-tree.ts'
import type { HostAccess } from '../../keeper/host-access.ts'
import { runningKeeper } from '../../keeper/keeper.ts'
import { systemErrorCode } from '../../host/system-error.ts'

const refusalsByErrno: Readonly<Record<string, FileRefusal>> = {
  ENOENT: 'not-found',
  ELOOP: 'not-found',
  ENOTDIR: 'not-a-directory',
  EISDIR: 'not-a-file',
  ENXIO: 'not-a-file',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EEXIST: 'exists',
  ENOTEMPTY: 'not-empty',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'no-space',
  ENAMETOOLONG: 'impossible',
  EINVAL: 'impossible',
  EILSEQ: 'impossible',
  EXDEV: 'impossible',
}

/** What a system error says about a path; `null` if it is about something else. */
function refusalFromErrno(error: unknown, path: string): RefusedFile | null {
  const refusal = refusalsByErrno[systemErrorCode(error)]
  return refusal === undefined ? null : refuseFile(refusal, path)
}

/**
 * The files in a workspace's home; every other file of the host is `outside`. This protects from mistakes only: a command in the workspace
 * can access whatever the service's own user can.
 */
export function processFiles({ withDirectory }: Pick<HostAccess, 'withDirectory'>): GuestFiles {
  async function runFileOperation<T>(
    operation: string,
    { id }: WorkspaceRef,
    path: string,
    signal: AbortSignal,
    work: (directory: WorkspaceDirectory) => Promise<FileOutcome<T>>,
  ): Promise<FileOutcome<T>> {
    const outcome = await withDirectory<FileOutcome<T>>(`${operation} ${path}`, id, signal, async (host, directory) => {
      if ((await runningKeeper(host, directory)) === null) return fault('missing', 'The workspace is not running.')
      await mkdir(directory.home, { recursive: true, mode: 0o700 })
      try {
        return ok(await work(directory))
      } catch (error) {
        const refusal = refusalFromErrno(error, path)
        if (refusal === null) throw error
        return ok(refusal)
      }
    })
    return outcome.ok ? outcome.value : outcome
  }

  return {
    stat: (workspace, path, signal) =>
      runFileOperation('Reading the attributes of', workspace, path, signal, async ({ home }) => {
        const location = await resolveInHome(home, path, false)
        return location.ok ? ok(await readFileEntry(location.value, path)) : location
      }),
    list: (workspace, path, signal) =>
      runFileOperation('Listing', workspace, path, signal, async ({ home }) => {
        const location = await resolveInHome(home, path, true)
        return location.ok ? ok(await listFileEntries(location.value)) : location
      }),
    read: (workspace, path, signal) =>
      runFileOperation('Reading', workspace, path, signal, (directory) => readFileContent(directory, path, signal)),
    write: async (workspace, path, source, options, signal) => {
      const outcome = await runFileOperation('Writing', workspace, path, signal, (directory) =>
        writeFileContent(directory, path, source, options, signal),
      )
      source.destroy()
      return outcome
    },
    makeDirectory: (workspace, path, signal) =>
      runFileOperation('Creating', workspace, path, signal, async ({ home }) => {
        const location = await resolveDirectoryInHome(home, path, { make: true })
        return location.ok ? ok(undefined) : location
      }),
    move: (workspace, from, to, signal) =>
      runFileOperation('Moving', workspace, from, signal, ({ home }) => move(home, from, to)),
    remove: (workspace, path, recursive, signal) =>
      runFileOperation('Removing', workspace, path, signal, ({ home }) => remove(home, path, recursive)),
    pack: (workspace, path, signal) =>
      runFileOperation('Packing', workspace, path, signal, ({ home }) => packTree(home, path, signal)),
    unpack: async (workspace, path, source, signal) => {
      const outcome = await runFileOperation('Unpacking into', workspace, path, signal, (directory) =>
        unpackTree(directory, path, source, signal),
      )
      source.destroy()
      return outcome
    },
  }
}

async function move(home: string, from: string, to: string): Promise<FileOutcome<void>> {
  const [root, source] = [await resolveInHome(home, '.', false), await resolveInHome(home, from, false)]
  if (!root.ok) return root
  if (!source.ok) return source
  if (source.value === root.value) return refuseFile('denied', from)
  const sourceStats = await lstat(source.value)
  try {
    const target = await resolveInHome(home, to, false)
    if (!target.ok) return target
    const targetStats = await lstatIfExists(target.value)
    if (targetStats !== null && (targetStats.isDirectory() || sourceStats.isDirectory()))
      return refuseFile('exists', to)
    await rename(source.value, target.value)
    return ok(undefined)
  } catch (error) {
    const refusal = refusalFromErrno(error, to)
    if (refusal === null) throw error
    return refusal
  }
}

async function remove(home: string, path: string, recursive: boolean): Promise<FileOutcome<void>> {
  const [root, location] = [await resolveInHome(home, '.', false), await resolveInHome(home, path, false)]
  if (!root.ok) return root
  if (!location.ok) return location
  if (location.value === root.value) return refuseFile('denied', path)
  const stats = await lstat(location.value)
  if (!stats.isDirectory()) await unlink(location.value)
  else if (recursive) await removeTree(location.value)
  else await rmdir(location.value)
  return ok(undefined)
}
