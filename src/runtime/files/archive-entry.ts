// What an archive may contain, so that nothing is unpacked outside the target directory.
//   T1. Names are relative and have no part `..`.
//   T2. No entry is unpacked through a link of the archive, so each directory in a name is a real one.
//   T3. A symbolic link begins with at most as many `..` as there are directories above it (real ones by T2), and has none further on, where
//       they would go up from wherever another link leads. So by T1 and T3 no chain of links leads outside.
//   T4. A hard link names an entry of the archive by T1, and not a link.
import type { Header } from 'tar-stream'

/** The header of an entry as it is read. */
export interface SourceEntryHeader extends Pick<Header, 'name' | 'size' | 'mode' | 'mtime' | 'pax'> {
  readonly type: string | null
  readonly linkname: string | null
}

/** The header of an entry as it is passed on. */
export interface EntryHeader extends Partial<Header> {
  readonly name: string
  readonly size: number
  readonly type: 'file' | 'directory' | 'symlink' | 'link'
}

export type EntryVerdict =
  | { readonly kind: 'accepted'; readonly header: EntryHeader }
  /** The top directory itself, which exists. */
  | { readonly kind: 'skipped' }
  | { readonly kind: 'rejected'; readonly reason: string }

/** Bounds the names of links that are held in memory. */
const maxLinkCharacters = 16 * 1024 * 1024
const maxNameLength = 4096
const maxMtimeSeconds = 2 ** 31 - 1

/** Validates the entries of one archive, in order. An accepted entry has no owner, no setuid bits, and only fields that were checked. */
export function entryValidator() {
  const links = new Set<string>()
  let linkCharacters = 0

  function passesThroughLink(parts: readonly string[]): boolean {
    return links.size > 0 && parts.some((_, index) => links.has(parts.slice(0, index + 1).join('/')))
  }

  return (header: SourceEntryHeader): EntryVerdict => {
    const { name, mode, mtime, pax, size } = header
    const type = header.type === 'contiguous-file' ? 'file' : header.type
    const parts = relativePathParts(name)
    if (parts === null) return rejectEntry('has a name that is absolute, contains "..", or is invalid')
    if (type !== 'file' && type !== 'directory' && type !== 'symlink' && type !== 'link')
      return rejectEntry('is not a file, directory or link')
    if (Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse'))) return rejectEntry('is a sparse file')
    if (parts.length === 0) return type === 'directory' ? { kind: 'skipped' } : rejectEntry('has no name')
    if (passesThroughLink(parts.slice(0, -1))) return rejectEntry('has a path through a link of the same archive')
    const path = parts.join('/')
    if (type === 'directory' && links.has(path)) return rejectEntry('is both a link and a directory')
    const target = type === 'symlink' || type === 'link' ? (header.linkname ?? '') : undefined
    if (type === 'symlink' && !staysInside(parts.length - 1, target ?? ''))
      return rejectEntry('is a link that may lead out of the directory')
    if (type === 'link') {
      const targetParts = relativePathParts(target ?? '')
      if (targetParts === null || targetParts.length === 0 || passesThroughLink(targetParts))
        return rejectEntry('is a hard link that may lead out of the directory')
    }
    if (type !== 'symlink') links.delete(path)
    else if (!links.has(path)) {
      links.add(path)
      linkCharacters += path.length
      if (linkCharacters > maxLinkCharacters) return rejectEntry('is one link more than an archive may have')
    }
    const mtimeSeconds = Math.floor(mtime.getTime() / 1000)
    return {
      kind: 'accepted',
      header: {
        name: type === 'directory' ? `${path}/` : path,
        type,
        size: type === 'file' ? size : 0,
        mode: Number.isInteger(mode) ? mode & 0o777 : type === 'directory' ? 0o755 : 0o644,
        mtime: new Date(1000 * Math.min(Math.max(Number.isNaN(mtimeSeconds) ? 0 : mtimeSeconds, 0), maxMtimeSeconds)),
        uid: 0,
        gid: 0,
        ...(target !== undefined && {
          linkname: type === 'link' ? (relativePathParts(target) ?? []).join('/') : target,
        }),
      },
    }
  }
}

function rejectEntry(reason: string): EntryVerdict {
  return { kind: 'rejected', reason }
}

/** The parts of a relative path; `null` if it may lead out, or is not relative. A name that is not UTF-8 would be changed, so it is rejected. */
function relativePathParts(name: string): readonly string[] | null {
  if (name.startsWith('/') || name.includes('\0') || name.includes('\uFFFD') || name.length > maxNameLength) return null
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? null : parts
}

function staysInside(depth: number, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0') || target.includes('\uFFFD')) return false
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const firstName = parts.findIndex((part) => part !== '..')
  const parentSteps = firstName === -1 ? parts.length : firstName
  return target.length <= maxNameLength && parentSteps <= depth && !parts.slice(parentSteps).includes('..')
}
