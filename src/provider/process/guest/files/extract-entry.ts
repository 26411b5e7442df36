import { chmod, link, lstat, mkdir, open, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExtractEvents } from 'tar-stream'
import { type RefusedFile, refuseFile } from '../../../refuse-file.ts'
import { systemErrorCode } from '../../host/system-error.ts'

/** Extracts one entry of a tar stream into the staging directory, or refuses it. Never writes through a link. Throws system errors. */
export async function extractEntry(
  stagingDirectory: string,
  entry: ExtractEvents['entry'][1],
): Promise<RefusedFile | null> {
  const { name, type, linkname, mode, mtime } = entry.header
  const pathParts = parseRelativePath(name)
  if (pathParts === null) return refuseFile('outside', name)
  const refusal = await ensureParents(stagingDirectory, pathParts, name)
  if (refusal !== null) return refusal
  const hostPath = join(stagingDirectory, ...pathParts)
  if (type === 'file' || type === 'contiguous-file') {
    await unlinkIfExists(hostPath)
    const file = await open(hostPath, 'wx', 0o600)
    try {
      for await (const bytes of entry) if (Buffer.isBuffer(bytes)) await file.writeFile(bytes)
      await file.chmod(mode & 0o777)
      await file.utimes(mtime, mtime)
    } finally {
      await file.close()
    }
    return null
  }
  entry.resume()
  if (type === 'directory') {
    if (pathParts.length === 0) return null
    await mkdir(hostPath, { recursive: true })
    // Its content has yet to be written and moved.
    await chmod(hostPath, (mode & 0o777) | 0o700)
    return null
  }
  if (type === 'symlink') {
    if (!linkStaysInside(pathParts.length - 1, linkname)) return refuseFile('outside', name, 'a link that leads out')
    await unlinkIfExists(hostPath)
    await symlink(linkname, hostPath)
    return null
  }
  return type === 'link' ? extractHardLink(stagingDirectory, name, hostPath, linkname) : refuseFile('impossible', name)
}

async function extractHardLink(
  stagingDirectory: string,
  name: string,
  hostPath: string,
  linkTarget: string,
): Promise<RefusedFile | null> {
  const targetParts = parseRelativePath(linkTarget)
  if (targetParts === null) return refuseFile('outside', name, 'a link that leads out')
  const refusal = await ensureParents(stagingDirectory, targetParts, name)
  if (refusal !== null) return refusal
  const targetPath = join(stagingDirectory, ...targetParts)
  if (!(await lstat(targetPath)).isFile())
    return refuseFile('impossible', name, 'a hard link to something that is not a file')
  if (targetPath === hostPath) return null
  await unlinkIfExists(hostPath)
  await link(targetPath, hostPath)
  return null
}

/** The parts of a relative path; `null` if it is absolute or may lead out. */
function parseRelativePath(name: string): readonly string[] | null {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  return name.startsWith('/') || name.includes('\0') || parts.includes('..') ? null : parts
}

/** Whether the target of a link, `depth` directories deep, stays in the tree as written. */
function linkStaysInside(depth: number, linkTarget: string): boolean {
  if (linkTarget === '' || linkTarget.startsWith('/') || linkTarget.includes('\0')) return false
  let level = depth
  for (const part of linkTarget.split('/')) {
    if (part === '..') level -= 1
    else if (part !== '' && part !== '.') level += 1
    if (level < 0) return false
  }
  return true
}

async function ensureParents(
  stagingDirectory: string,
  parts: readonly string[],
  name: string,
): Promise<RefusedFile | null> {
  let parent = stagingDirectory
  for (const part of parts.slice(0, -1)) {
    parent = join(parent, part)
    try {
      const stats = await lstat(parent)
      if (!stats.isDirectory()) return refuseFile('not-a-directory', name)
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error
      await mkdir(parent)
    }
  }
  return null
}

/** An archive may contain a name twice: the last entry counts. */
async function unlinkIfExists(hostPath: string): Promise<void> {
  try {
    await unlink(hostPath)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
  }
}
