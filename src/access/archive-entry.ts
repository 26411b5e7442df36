// What may be in an archive, so that nothing of it is put outside the directory that it is unpacked in.
//   T1. Names are relative and have no part `..`.
//   T2. No entry is put through a link of the archive, so a directory that is named in it is one.
//   T3. A symbolic link begins with as many `..` at most as there are directories above it (T2: real ones), and has none further on, where it
//       may go up from wherever another link leads. So by T1 and T3 none leads out, on whatever way.
//   T4. A hard link names something in the archive by T1, and no link.
import type { Header } from 'tar-stream'

/** An entry as it is found. */
export interface FoundHeader extends Pick<Header, 'name' | 'size' | 'mode' | 'mtime' | 'pax'> {
  readonly type: string | null
  readonly linkname: string | null
}

/** An entry as it is passed on. */
export interface EntryHeader extends Partial<Header> {
  readonly name: string
  readonly size: number
  readonly type: 'file' | 'directory' | 'symlink' | 'link'
}

export type Judged =
  | { readonly kind: 'taken'; readonly header: EntryHeader }
  /** The top itself: it is there. */
  | { readonly kind: 'left-out' }
  | { readonly kind: 'refused'; readonly why: string }

/** Names of links are remembered; so much of them. */
const mostLinkCharacters = 16 * 1024 * 1024
const longestName = 4096
const newestSecond = 2 ** 31 - 1

/** Judges the entries of one archive, one after the other. What is taken has no owner, no setuid bits, and nothing that was not judged. */
export function entryJudge() {
  const links = new Set<string>()
  let linkCharacters = 0

  function throughLink(parts: readonly string[]): boolean {
    return links.size > 0 && parts.some((_, at) => links.has(parts.slice(0, at + 1).join('/')))
  }

  return (header: FoundHeader): Judged => {
    const { name, mode, mtime, pax, size } = header
    const type = header.type === 'contiguous-file' ? 'file' : header.type
    const parts = partsOf(name)
    if (parts === null) return refused('has a name that is absolute, has a part "..", or is none')
    if (type !== 'file' && type !== 'directory' && type !== 'symlink' && type !== 'link')
      return refused('is no file, directory or link')
    if (Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse'))) return refused('is a sparse file')
    if (parts.length === 0) return type === 'directory' ? { kind: 'left-out' } : refused('has no name')
    if (throughLink(parts.slice(0, -1))) return refused('is put through a link of the same archive')
    const path = parts.join('/')
    if (type === 'directory' && links.has(path)) return refused('is a link and a directory at the same time')
    const target = type === 'symlink' || type === 'link' ? (header.linkname ?? '') : undefined
    if (type === 'symlink' && !staysIn(parts.length - 1, target ?? '')) return refused('is a link that may lead out')
    if (type === 'link') {
      const to = partsOf(target ?? '')
      if (to === null || to.length === 0 || throughLink(to)) return refused('is a hard link that may lead out')
    }
    if (type !== 'symlink') links.delete(path)
    else if (!links.has(path)) {
      links.add(path)
      linkCharacters += path.length
      if (linkCharacters > mostLinkCharacters) return refused('is one link too many')
    }
    const second = Math.floor(mtime.getTime() / 1000)
    return {
      kind: 'taken',
      header: {
        name: type === 'directory' ? `${path}/` : path,
        type,
        size: type === 'file' ? size : 0,
        mode: Number.isInteger(mode) ? mode & 0o777 : type === 'directory' ? 0o755 : 0o644,
        mtime: new Date(1000 * Math.min(Math.max(Number.isNaN(second) ? 0 : second, 0), newestSecond)),
        uid: 0,
        gid: 0,
        ...(target !== undefined && { linkname: type === 'link' ? (partsOf(target) ?? []).join('/') : target }),
      },
    }
  }
}

function refused(why: string): Judged {
  return { kind: 'refused', why }
}

/** The parts of a relative path; `null` if it is not one, or may lead out. What is no UTF-8 would get another name. */
function partsOf(name: string): readonly string[] | null {
  if (name.startsWith('/') || name.includes('\0') || name.includes('\uFFFD') || name.length > longestName) return null
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? null : parts
}

function staysIn(depth: number, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0') || target.includes('\uFFFD')) return false
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const named = parts.findIndex((part) => part !== '..')
  const up = named === -1 ? parts.length : named
  return target.length <= longestName && up <= depth && !parts.slice(up).includes('..')
}
