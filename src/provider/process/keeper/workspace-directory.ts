import { randomUUID } from 'node:crypto'
import { lstat, mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import { parseWorkspaceId, type WorkspaceId } from '../../../workspace/id.ts'
import { removeTree } from '../host/remove-tree.ts'
import { systemErrorCode } from '../host/system-error.ts'

// A workspace on disk:
//   <root>/<id>/vm-api.json           its owner; written before the directory gets its name, never changed
//   <root>/<id>/home/                 the directory that its commands run in
//   <root>/<id>/claims-<incarnation>/ the claims of its keepers, see claim.ts
//   <root>/<id>/keeper.log            the output of its keepers
//   <root>/<id>/.incoming-…           incomplete uploads; removed by the next service, or when a keeper starts
//   <root>/.new-<id>-…, .gone-<id>-…  incomplete and partly removed directories. A directory named by an id alone is complete.

/** A workspace's directory. */
export interface WorkspaceDirectory {
  readonly path: string
  readonly home: string
  readonly claimsDirectory: string
  /** Distinguishes this directory from an earlier one of the same name. */
  readonly incarnation: string
}

interface OwnershipMarker {
  readonly installation: string
  readonly workspaceId: string
  readonly incarnation: string
}

const markerFile = 'vm-api.json'
const temporaryPrefix = '.incoming-'
/** Files with another prefix were left by an earlier service, since only one runs at a time. */
const ownTemporaryPrefix = `${temporaryPrefix}${randomUUID()}-`

/** The workspace's directory; `null` if there is none of this installation. Throws system errors. */
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

/** Runs `work` with the workspace's directory, or `whenMissing` if there is none, or if it is removed while `work` runs. */
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

/** The ids of all workspaces that have a directory, of any installation. */
export async function listWorkspaceIds(root: string): Promise<readonly WorkspaceId[]> {
  const names = await readdir(root)
  return names.flatMap((name) => {
    const id = parseWorkspaceId(name)
    return id === name ? [id] : []
  })
}

/** The log that all keepers of the workspace append to. */
export function keeperLogPath({ path }: WorkspaceDirectory): string {
  return join(path, 'keeper.log')
}

/** A path for an incomplete upload, on the same disk as the home. */
export async function newTemporaryPath(directory: WorkspaceDirectory): Promise<string> {
  await removeTemporaryFiles(directory, ownTemporaryPrefix)
  return join(directory.path, `${ownTemporaryPrefix}${randomUUID()}`)
}

/** Removes incomplete uploads, except those whose names begin with `exceptPrefix`. */
export async function removeTemporaryFiles({ path }: WorkspaceDirectory, exceptPrefix?: string): Promise<void> {
  for (const name of await readdir(path))
    if (name.startsWith(temporaryPrefix) && (exceptPrefix === undefined || !name.startsWith(exceptPrefix)))
      await removeTree(join(path, name))
}

/** Creates the workspace's directory, or finds the existing one. May be repeated and run concurrently; all calls get the same directory. */
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
 * Removes the workspace's directory, and what crashes have left of it incomplete or partly removed. Success if there is none. A directory
 * of another installation stays. Never follows a link.
 */
export async function removeWorkspaceDirectory(root: string, installation: string, id: WorkspaceId): Promise<void> {
  const directory = await findWorkspaceDirectory(root, installation, id)
  // Renamed first: a partly removed directory must not be found or adopted.
  if (directory !== null)
    await undefinedIfMissing(rename(directory.path, join(root, `.gone-${id}-${directory.incarnation}`)))
  const leftoverPattern = new RegExp(`^\\.(new|gone)-${id}-`)
  for (const name of await readdir(root)) {
    if (!leftoverPattern.test(name)) continue
    // A crash may have left an incomplete marker.
    const marker = await readMarker(join(root, name)).catch(() => null)
    if (marker === null || marker.installation === installation) await removeTree(join(root, name))
  }
}

/** Makes the content of a file or directory survive a power cut. */
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

/** Reads a directory's marker; `null` if there is no directory or no marker. Throws if the marker cannot be read. */
async function readMarker(path: string): Promise<OwnershipMarker | null> {
  const text = await undefinedIfMissing(
    lstat(path).then((stats) => (stats.isDirectory() ? readTextIfExists(join(path, markerFile)) : null)),
  )
  if (text === null || text === undefined) return null
  const marker = parseMarker(text)
  if (marker === null) throw new Error(`${join(path, markerFile)} is damaged. Repair it, or move ${path} away.`)
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
  // The incarnation becomes part of a path.
  return parseWorkspaceId(incarnation) === undefined ? null : { installation, workspaceId, incarnation }
}

/** The fields of a JSON object; `null` if `text` is not one, as after a power cut in the middle of a write. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    return null
  }
}
