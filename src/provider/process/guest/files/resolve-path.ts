import { lstat, mkdir, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { ok } from '../../../../workspace/fault.ts'
import type { FileOutcome } from '../../../guest.ts'
import { refuseFile } from '../../../refuse-file.ts'
import { systemErrorCode } from '../../host/system-error.ts'
import { lstatIfExists } from './file-entry.ts'

const maxLinks = 40

/**
 * Resolves a path to its place on the host, which is in the home, or refuses it as `outside`. The path's directory must exist; the last part
 * need not, and is followed as a link only if `follow`. Protects from mistakes only: a command can change a link meanwhile. Throws system
 * errors.
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
 * Resolves the path of a directory in the home. With `make`, creates it and its parents; without, returns the nearest existing directory.
 * Follows links as `resolveInHome` does. Throws system errors.
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
    const stats = await lstatIfExists(location.value)
    if (stats === null && !make) return ok(currentDirectory)
    if (stats === null) await ensureDirectory(location.value)
    else if (!stats.isDirectory()) return refuseFile(index === parts.length - 1 ? 'exists' : 'not-a-directory', path)
    currentDirectory = location.value
  }
  return ok(currentDirectory)
}

/** The path relative to `root`, empty for `root` itself; `null` for a path outside of it. */
function pathWithin(root: string, path: string): string | null {
  const relativePath = relative(root, path)
  return relativePath === '..' || relativePath.startsWith(`..${sep}`) ? null : relativePath
}

async function readLinkIfLink(path: string): Promise<string | null> {
  try {
    return await readlink(path)
  } catch (error) {
    // EINVAL: not a link.
    if (systemErrorCode(error) === 'EINVAL' || systemErrorCode(error) === 'ENOENT') return null
    throw error
  }
}

async function ensureDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    // EEXIST: a concurrent call has just created it.
    if (systemErrorCode(error) !== 'EEXIST' || !(await lstat(path)).isDirectory()) throw error
  }
}
