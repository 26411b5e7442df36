/** A file in a workspace, or a directory, or a link. */
export interface FileEntry {
  /** The last part of its path. */
  readonly name: string
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly bytes: number
  /** Permission bits, 0o644 say. */
  readonly mode: number
  /** Milliseconds since the epoch; whole seconds with some providers. */
  readonly modifiedAt: number
  /** Where a link leads, as it is written in it; `null` for anything else, and in a list. */
  readonly target: string | null
}

/** Why a workspace refused what was asked of a file. */
export type FileRefusal =
  | 'not-found'
  /** A directory, a device or a pipe, where a file is meant. */
  | 'not-a-file'
  | 'not-a-directory'
  /** The user of the workspace may not. */
  | 'denied'
  | 'exists'
  /** A directory that has something in it, and was not to be removed with it. */
  | 'not-empty'
  /** The path leads out of the workspace. */
  | 'outside'
  | 'no-space'
  /** The workspace lacks a program that this needs, or its file system does not take it. */
  | 'impossible'
