import { randomUUID } from 'node:crypto'
import { lstat, mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import { parseWorkspaceId, type WorkspaceId } from '../../workspace/id.ts'
import { clear } from './clear.ts'
import { objectIn } from './json-text.ts'
import { codeOf } from './system-error.ts'

// What a workspace is on disk:
//   <root>/<id>/vm-api.json           whose it is; written before the directory has its name, never changed
//   <root>/<id>/home/                 where its commands run
//   <root>/<id>/claims-<incarnation>/ which keepers it had, see claim.ts
//   <root>/<id>/keeper.log            what its keepers wrote
//   <root>/<id>/.incoming-…           what has not come whole yet, of a file or a tree; removed by the next service, or when a keeper is started
//   <root>/.new-<id>-…, .gone-<id>-…  half made, half removed. A directory called by an id is whole.

/** A workspace's directory. */
export interface Directory {
  readonly path: string
  readonly home: string
  readonly claims: string
  /** Tells this directory from one that had the same name before it. */
  readonly incarnation: string
}

interface Marker {
  readonly installation: string
  readonly workspaceId: string
  readonly incarnation: string
}

const markerFile = 'vm-api.json'
const incoming = '.incoming-'
/** Another service that wrote here has ended: there is one at a time. */
const thisService = `${incoming}${randomUUID()}-`

/** The workspace's directory; `null` if there is none, or if it is not ours. Throws if it cannot tell. */
export async function findDirectory(root: string, installation: string, id: WorkspaceId): Promise<Directory | null> {
  const path = join(root, id)
  const marker = await readMarker(path)
  if (marker === null || marker.installation !== installation || marker.workspaceId !== id) return null
  return directoryAt(path, marker.incarnation)
}

/**
 * What `work` answers for the workspace's directory, or `absent` if there is none. A directory that somebody else removes
 * meanwhile is none.
 */
export async function inDirectory<T>(
  root: string,
  installation: string,
  id: WorkspaceId,
  ways: { readonly absent: () => Promise<T>; readonly work: (directory: Directory) => Promise<T> },
): Promise<T> {
  for (;;) {
    const directory = await findDirectory(root, installation, id)
    if (directory === null) return ways.absent()
    try {
      return await ways.work(directory)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      const now = await findDirectory(root, installation, id)
      if (now?.incarnation === directory.incarnation) throw error
    }
  }
}

/** The ids of all workspaces that have a directory, ours or not. */
export async function listIds(root: string): Promise<readonly WorkspaceId[]> {
  const names = await readdir(root)
  return names.flatMap((name) => {
    const id = parseWorkspaceId(name)
    return id === name ? [id] : []
  })
}

/** Where a keeper writes, and every one after it. */
export function keeperLog({ path }: Directory): string {
  return join(path, 'keeper.log')
}

/** A place for what has not come whole yet: on the disk of the home, and in nobody's way. */
export async function newIncoming(directory: Directory): Promise<string> {
  await clearIncoming(directory, thisService)
  return join(directory.path, `${thisService}${randomUUID()}`)
}

/** Removes what has been left half come, but for what begins with `except`. Whoever still waits for it is told that it is not there. */
export async function clearIncoming({ path }: Directory, except?: string): Promise<void> {
  for (const name of await readdir(path))
    if (name.startsWith(incoming) && (except === undefined || !name.startsWith(except))) await clear(join(path, name))
}

/** Makes the workspace's directory, or finds the one that is there. May be repeated, also at once: one wins, all get the same. */
export async function makeDirectory(root: string, installation: string, id: WorkspaceId): Promise<Outcome<Directory>> {
  const found = await findDirectory(root, installation, id)
  if (found !== null) return done(found)
  const incarnation = randomUUID()
  const draft = join(root, `.new-${id}-${incarnation}`)
  const { home, claims } = directoryAt(draft, incarnation)
  await mkdir(home, { recursive: true, mode: 0o700 })
  await mkdir(claims, { mode: 0o700 })
  const marker: Marker = { installation, workspaceId: id, incarnation }
  await writeFile(join(draft, markerFile), `${JSON.stringify(marker)}\n`, { mode: 0o600, flush: true })
  await flush(draft)
  try {
    await rename(draft, join(root, id))
    await flush(root)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error))) throw error
    await clear(draft)
  }
  const made = await findDirectory(root, installation, id)
  if (made !== null) return done(made)
  return fault(
    'never',
    `${join(root, id)} exists and does not belong to this installation. Move it away and try again.`,
  )
}

/**
 * Makes the workspace's directory not exist, and whatever a crash left half made or half removed of it. Not there is success, so
 * is one that is not ours: that one stays. Never follows a link.
 */
export async function removeDirectory(root: string, installation: string, id: WorkspaceId): Promise<void> {
  const found = await findDirectory(root, installation, id)
  // The name goes first: what is being removed must not be found, nor adopted, half empty.
  if (found !== null) await unlessGone(rename(found.path, join(root, `.gone-${id}-${found.incarnation}`)))
  const leftover = new RegExp(`^\\.(new|gone)-${id}-`)
  for (const name of await readdir(root)) {
    if (!leftover.test(name)) continue
    // A crash may have cut a marker off half written.
    const marker = await readMarker(join(root, name)).catch(() => null)
    if (marker === null || marker.installation === installation) await clear(join(root, name))
  }
}

/** What was written to a file, or put into a directory, is still there after a power cut. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function directoryAt(path: string, incarnation: string): Directory {
  return { path, home: join(path, 'home'), claims: join(path, `claims-${incarnation}`), incarnation }
}

/** What is written in a directory's marker; `null` if there is no such directory, or nothing of ours in it. Throws if it cannot be read. */
async function readMarker(path: string): Promise<Marker | null> {
  const text = await unlessGone(
    lstat(path).then((found) => (found.isDirectory() ? readText(join(path, markerFile)) : null)),
  )
  if (text === null || text === undefined) return null
  const marker = markerOf(text)
  if (marker === null) throw new Error(`${join(path, markerFile)} is damaged. Put it right, or move ${path} away.`)
  return marker
}

function readText(path: string): Promise<string | null | undefined> {
  return unlessGone(readFile(path, 'utf8'))
}

async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function markerOf(text: string): Marker | null {
  const found = objectIn(text)
  if (found === null) return null
  const { installation, workspaceId, incarnation } = found
  if (typeof installation !== 'string' || typeof workspaceId !== 'string' || typeof incarnation !== 'string')
    return null
  // It becomes part of a path.
  return parseWorkspaceId(incarnation) === undefined ? null : { installation, workspaceId, incarnation }
}
