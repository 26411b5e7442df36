// What may be in an archive, so that nothing of it is put outside the directory that it is unpacked in.
//   T1. Names are relative and have no part `..`.
//   T2. No entry is put through a link of the archive, so a directory that is named in it is one.
//   T3. A symbolic link begins with as many `..` at most as there are directories above it (T2: real ones), and has none further on, where it
//       may go up from wherever another link leads. So by T1 and T3 none leads out, on whatever way.
//   T4. A hard link names something in the archive by T1, and no link.
import type { Header } from 'tar-stream'

/** An entry as it is found. */
export interface SourceEntryHeader extends Pick<Header, 'name' | 'size' | 'mode' | 'mtime' | 'pax'> {
  readonly type: string | null
  readonly linkname: string | null
}

/** An entry as it is passed on. */
export interface EntryHeader extends Partial<Header> {
  readonly name: string
  readonly size: number
  readonly type: 'file' | 'directory' | 'symlink' | 'link'
}

export type EntryVerdict =
  | { readonly kind: 'taken'; readonly header: EntryHeader }
  /** The top itself: it is there. */
  | { readonly kind: 'left-out' }
  | { readonly kind: 'refused'; readonly reason: string }

/** Names of links are remembered; so much of them. */
const maxLinkCharacters = 16 * 1024 * 1024
const maxNameLength = 4096
const maxMtimeSeconds = 2 ** 31 - 1

/** Judges the entries of one archive, one after the other. What is taken has no owner, no setuid bits, and nothing that was not judged. */
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
    if (parts === null) return rejectEntry('has a name that is absolute, has a part "..", or is none')
    if (type !== 'file' && type !== 'directory' && type !== 'symlink' && type !== 'link')
      return rejectEntry('is no file, directory or link')
    if (Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse'))) return rejectEntry('is a sparse file')
    if (parts.length === 0) return type === 'directory' ? { kind: 'left-out' } : rejectEntry('has no name')
    if (passesThroughLink(parts.slice(0, -1))) return rejectEntry('is put through a link of the same archive')
    const path = parts.join('/')
    if (type === 'directory' && links.has(path)) return rejectEntry('is a link and a directory at the same time')
    const target = type === 'symlink' || type === 'link' ? (header.linkname ?? '') : undefined
    if (type === 'symlink' && !staysInside(parts.length - 1, target ?? ''))
      return rejectEntry('is a link that may lead out')
    if (type === 'link') {
      const targetParts = relativePathParts(target ?? '')
      if (targetParts === null || targetParts.length === 0 || passesThroughLink(targetParts))
        return rejectEntry('is a hard link that may lead out')
    }
    if (type !== 'symlink') links.delete(path)
    else if (!links.has(path)) {
      links.add(path)
      linkCharacters += path.length
      if (linkCharacters > maxLinkCharacters) return rejectEntry('is one link too many')
    }
    const mtimeSeconds = Math.floor(mtime.getTime() / 1000)
    return {
      kind: 'taken',
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
  return { kind: 'refused', reason }
}

/** The parts of a relative path; `null` if it is not one, or may lead out. What is no UTF-8 would get another name. */
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
