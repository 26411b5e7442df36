import { lstat, mkdir, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { done } from '../../workspace/fault.ts'
import type { FileOutcome } from '../inside.ts'
import { refuse } from '../refused.ts'
import { codeOf } from './system-error.ts'

const mostLinks = 40

/**
 * Where a path leads to on the host: in the home, or it is `outside`. Its directory has to be there, the last part not. A link in the place of the last
 * part is followed only if `follow`. It guards against mistakes only: whoever runs commands here can change a link meanwhile. May throw
 * what the system says.
 */
export async function locate(home: string, path: string, follow: boolean): Promise<FileOutcome<string>> {
  const root = await realpath(home)
  let at = resolve(home, path)
  for (let links = 0; links <= mostLinks; links += 1) {
    const inner = innerOf(home, at) ?? innerOf(root, at)
    if (inner === null) return refuse('outside', path)
    if (inner === '') return done(root)
    const parent = await realpath(join(root, dirname(inner)))
    if (innerOf(root, parent) === null) return refuse('outside', path)
    const found = join(parent, basename(inner))
    const link = follow ? await linkAt(found) : null
    if (link === null) return done(found)
    at = resolve(parent, link)
  }
  return refuse('not-found', path, 'too many links')
}

/**
 * Where a directory in the home is. It is made, with those above it, if `make`; else the nearest one that is there is answered. Links are followed, as
 * in `locate`. May throw what the system says.
 */
export async function locateDirectory(
  home: string,
  path: string,
  { make }: { readonly make: boolean },
): Promise<FileOutcome<string>> {
  const root = await realpath(home)
  const at = resolve(home, path)
  const inner = innerOf(home, at) ?? innerOf(root, at)
  if (inner === null) return refuse('outside', path)
  let here = root
  const parts = inner.split(sep).filter((part) => part !== '')
  for (const [index, part] of parts.entries()) {
    const located = await locate(root, join(here, part), true)
    if (!located.ok) return 'refused' in located ? refuse(located.refused, path) : located
    const found = await lstat(located.value).catch((error: unknown) => unlessGone(error))
    if (found === null && !make) return done(here)
    if (found === null) await makeOne(located.value)
    else if (!found.isDirectory()) return refuse(index === parts.length - 1 ? 'exists' : 'not-a-directory', path)
    here = located.value
  }
  return done(here)
}

/** The path below `root`, empty for `root` itself; `null` for a path that is not in it. */
function innerOf(root: string, path: string): string | null {
  const inner = relative(root, path)
  return inner === '..' || inner.startsWith(`..${sep}`) ? null : inner
}

async function linkAt(path: string): Promise<string | null> {
  try {
    return await readlink(path)
  } catch (error) {
    // EINVAL: it is something else than a link.
    if (codeOf(error) === 'EINVAL' || codeOf(error) === 'ENOENT') return null
    throw error
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    // Somebody else has just made it.
    if (codeOf(error) !== 'EEXIST' || !(await lstat(path)).isDirectory()) throw error
  }
}

function unlessGone(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null
  throw error
}
