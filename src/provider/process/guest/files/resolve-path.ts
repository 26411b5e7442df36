import { lstat, mkdir, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { ok } from '../../../../workspace/fault.ts'
import type { FileOutcome } from '../../../guest.ts'
import { refuseFile } from '../../../refuse-file.ts'
import { systemErrorCode } from '../../host/system-error.ts'

const maxLinks = 40

/**
 * Where a path leads to on the host: in the home, or it is `outside`. Its directory has to be there, the last part not. A link in the place of the last
 * part is followed only if `follow`. It guards against mistakes only: whoever runs commands here can change a link meanwhile. May throw
 * what the system says.
 */
export async function resolveInHome(home: string, path: string, follow: boolean): Promise<FileOutcome<string>> {
  const root = await realpath(home)
  let current = resolve(home, path)
  for (let linkCount = 0; linkCount <= maxLinks; linkCount += 1) {
    const relativePath = pathWithin(home, current) ?? pathWithin(root, current)
    if (relativePath === null) return refuseFile('outside', path)
    if (relativePath === '') return ok(root)
    const parent = await realpath(join(root, dirname(relativePath)))
    if (pathWithin(root, parent) === null) return refuseFile('outside', path)
    const candidate = join(parent, basename(relativePath))
    const linkTarget = follow ? await readLinkIfLink(candidate) : null
    if (linkTarget === null) return ok(candidate)
    current = resolve(parent, linkTarget)
  }
  return refuseFile('not-found', path, 'too many links')
}

/**
 * Where a directory in the home is. It is made, with those above it, if `make`; else the nearest one that is there is answered. Links are followed, as
 * in `locate`. May throw what the system says.
 */
export async function resolveDirectoryInHome(
  home: string,
  path: string,
  { make }: { readonly make: boolean },
): Promise<FileOutcome<string>> {
  const root = await realpath(home)
  const absolutePath = resolve(home, path)
  const relativePath = pathWithin(home, absolutePath) ?? pathWithin(root, absolutePath)
  if (relativePath === null) return refuseFile('outside', path)
  let currentDirectory = root
  const parts = relativePath.split(sep).filter((part) => part !== '')
  for (const [index, part] of parts.entries()) {
    const location = await resolveInHome(root, join(currentDirectory, part), true)
    if (!location.ok) return 'refused' in location ? refuseFile(location.refused, path) : location
    const stats = await lstat(location.value).catch((error: unknown) => nullIfMissing(error))
    if (stats === null && !make) return ok(currentDirectory)
    if (stats === null) await ensureDirectory(location.value)
    else if (!stats.isDirectory()) return refuseFile(index === parts.length - 1 ? 'exists' : 'not-a-directory', path)
    currentDirectory = location.value
  }
  return ok(currentDirectory)
}

/** The path below `root`, empty for `root` itself; `null` for a path that is not in it. */
function pathWithin(root: string, path: string): string | null {
  const relativePath = relative(root, path)
  return relativePath === '..' || relativePath.startsWith(`..${sep}`) ? null : relativePath
}

async function readLinkIfLink(path: string): Promise<string | null> {
  try {
    return await readlink(path)
  } catch (error) {
    // EINVAL: it is something else than a link.
    if (systemErrorCode(error) === 'EINVAL' || systemErrorCode(error) === 'ENOENT') return null
    throw error
  }
}

async function ensureDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    // Somebody else has just made it.
    if (systemErrorCode(error) !== 'EEXIST' || !(await lstat(path)).isDirectory()) throw error
  }
}

function nullIfMissing(error: unknown): null {
  if (systemErrorCode(error) === 'ENOENT') return null
  throw error
}
