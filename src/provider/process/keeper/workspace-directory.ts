import { randomUUID } from 'node:crypto'
import { lstat, mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import { parseWorkspaceId, type WorkspaceId } from '../../../workspace/id.ts'
import { removeTree } from '../host/remove-tree.ts'
import { parseJsonObject } from '../host/parse-json-object.ts'
import { systemErrorCode } from '../host/system-error.ts'

// What a workspace is on disk:
//   <root>/<id>/vm-api.json           whose it is; written before the directory has its name, never changed
//   <root>/<id>/home/                 where its commands run
//   <root>/<id>/claims-<incarnation>/ which keepers it had, see claim.ts
//   <root>/<id>/keeper.log            what its keepers wrote
//   <root>/<id>/.incoming-…           what has not come whole yet, of a file or a tree; removed by the next service, or when a keeper is started
//   <root>/.new-<id>-…, .gone-<id>-…  half made, half removed. A directory called by an id is whole.

/** A workspace's directory. */
export interface WorkspaceDirectory {
  readonly path: string
  readonly home: string
  readonly claimsDirectory: string
  /** Tells this directory from one that had the same name before it. */
  readonly incarnation: string
}

interface OwnershipMarker {
  readonly installation: string
  readonly workspaceId: string
  readonly incarnation: string
}

const markerFile = 'vm-api.json'
const temporaryPrefix = '.incoming-'
/** Another service that wrote here has ended: there is one at a time. */
const ownTemporaryPrefix = `${temporaryPrefix}${randomUUID()}-`

/** The workspace's directory; `null` if there is none, or if it is not ours. Throws if it cannot tell. */
export async function findWorkspaceDirectory(
  root: string,
  installation: string,
  id: WorkspaceId,
): Promise<WorkspaceDirectory | null> {
  const path = join(root, id)
  const marker = await readMarker(path)
  if (marker === null || marker.installation !== installation || marker.workspaceId !== id) return null
  return workspaceDirectoryAt(path, marker.incarnation)
}

/**
 * What `work` answers for the workspace's directory, or `absent` if there is none. A directory that somebody else removes
 * meanwhile is none.
 */
export async function withWorkspaceDirectory<T>(
  root: string,
  installation: string,
  id: WorkspaceId,
  handlers: { readonly whenMissing: () => Promise<T>; readonly work: (directory: WorkspaceDirectory) => Promise<T> },
): Promise<T> {
  for (;;) {
    const directory = await findWorkspaceDirectory(root, installation, id)
    if (directory === null) return handlers.whenMissing()
    try {
      return await handlers.work(directory)
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error
      const current = await findWorkspaceDirectory(root, installation, id)
      if (current?.incarnation === directory.incarnation) throw error
    }
  }
}

/** The ids of all workspaces that have a directory, ours or not. */
export async function listWorkspaceIds(root: string): Promise<readonly WorkspaceId[]> {
  const names = await readdir(root)
  return names.flatMap((name) => {
    const id = parseWorkspaceId(name)
    return id === name ? [id] : []
  })
}

/** Where a keeper writes, and every one after it. */
export function keeperLogPath({ path }: WorkspaceDirectory): string {
  return join(path, 'keeper.log')
}

/** A place for what has not come whole yet: on the disk of the home, and in nobody's way. */
export async function newTemporaryPath(directory: WorkspaceDirectory): Promise<string> {
  await removeTemporaryFiles(directory, ownTemporaryPrefix)
  return join(directory.path, `${ownTemporaryPrefix}${randomUUID()}`)
}

/** Removes what has been left half come, but for what begins with `except`. Whoever still waits for it is told that it is not there. */
export async function removeTemporaryFiles({ path }: WorkspaceDirectory, exceptPrefix?: string): Promise<void> {
  for (const name of await readdir(path))
    if (name.startsWith(temporaryPrefix) && (exceptPrefix === undefined || !name.startsWith(exceptPrefix)))
      await removeTree(join(path, name))
}

/** Makes the workspace's directory, or finds the one that is there. May be repeated, also at once: one wins, all get the same. */
export async function createWorkspaceDirectory(
  root: string,
  installation: string,
  id: WorkspaceId,
): Promise<Outcome<WorkspaceDirectory>> {
  const existing = await findWorkspaceDirectory(root, installation, id)
  if (existing !== null) return ok(existing)
  const incarnation = randomUUID()
  const stagingPath = join(root, `.new-${id}-${incarnation}`)
  const { home, claimsDirectory } = workspaceDirectoryAt(stagingPath, incarnation)
  await mkdir(home, { recursive: true, mode: 0o700 })
  await mkdir(claimsDirectory, { mode: 0o700 })
  const marker: OwnershipMarker = { installation, workspaceId: id, incarnation }
  await writeFile(join(stagingPath, markerFile), `${JSON.stringify(marker)}\n`, { mode: 0o600, flush: true })
  await syncToDisk(stagingPath)
  try {
    await rename(stagingPath, join(root, id))
    await syncToDisk(root)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemErrorCode(error))) throw error
    await removeTree(stagingPath)
  }
  const created = await findWorkspaceDirectory(root, installation, id)
  if (created !== null) return ok(created)
  return fault(
    'permanent',
    `${join(root, id)} exists and does not belong to this installation. Move it away and try again.`,
  )
}

/**
 * Makes the workspace's directory not exist, and whatever a crash left half made or half removed of it. Not there is success, so
 * is one that is not ours: that one stays. Never follows a link.
 */
export async function removeWorkspaceDirectory(root: string, installation: string, id: WorkspaceId): Promise<void> {
  const directory = await findWorkspaceDirectory(root, installation, id)
  // The name goes first: what is being removed must not be found, nor adopted, half empty.
  if (directory !== null)
    await undefinedIfMissing(rename(directory.path, join(root, `.gone-${id}-${directory.incarnation}`)))
  const leftoverPattern = new RegExp(`^\\.(new|gone)-${id}-`)
  for (const name of await readdir(root)) {
    if (!leftoverPattern.test(name)) continue
    // A crash may have cut a marker off half written.
    const marker = await readMarker(join(root, name)).catch(() => null)
    if (marker === null || marker.installation === installation) await removeTree(join(root, name))
  }
}

/** What was written to a file, or put into a directory, is still there after a power cut. */
export async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function workspaceDirectoryAt(path: string, incarnation: string): WorkspaceDirectory {
  return { path, home: join(path, 'home'), claimsDirectory: join(path, `claims-${incarnation}`), incarnation }
}

/** What is written in a directory's marker; `null` if there is no such directory, or nothing of ours in it. Throws if it cannot be read. */
async function readMarker(path: string): Promise<OwnershipMarker | null> {
  const text = await undefinedIfMissing(
    lstat(path).then((stats) => (stats.isDirectory() ? readTextIfExists(join(path, markerFile)) : null)),
  )
  if (text === null || text === undefined) return null
  const marker = parseMarker(text)
  if (marker === null) throw new Error(`${join(path, markerFile)} is damaged. Put it right, or move ${path} away.`)
  return marker
}

function readTextIfExists(path: string): Promise<string | null | undefined> {
  return undefinedIfMissing(readFile(path, 'utf8'))
}

async function undefinedIfMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function parseMarker(text: string): OwnershipMarker | null {
  const fields = parseJsonObject(text)
  if (fields === null) return null
  const { installation, workspaceId, incarnation } = fields
  if (typeof installation !== 'string' || typeof workspaceId !== 'string' || typeof incarnation !== 'string')
    return null
  // It becomes part of a path.
  return parseWorkspaceId(incarnation) === undefined ? null : { installation, workspaceId, incarnation }
}
