/** A file, directory or link in a workspace. */
export interface FileEntry {
  /** The last segment of the path. */
  readonly name: string
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly bytes: number
  /** Permission bits, such as 0o644. */
  readonly mode: number
  /** Milliseconds since the epoch; whole seconds with some providers. */
  readonly modifiedAt: number
  /** The target stored in a link; `null` for anything else, and in a list. */
  readonly target: string | null
}

/** Why a file operation failed. */
export type FileRefusal =
  | 'not-found'
  /** A directory, a device or a pipe where a file is expected. */
  | 'not-a-file'
  | 'not-a-directory'
  /** The user of the workspace lacks permission. */
  | 'denied'
  | 'exists'
  /** The directory is not empty, and the removal is not recursive. */
  | 'not-empty'
  /** The path leads out of the workspace. */
  | 'outside'
  | 'no-space'
  /** The workspace lacks a required program, or its file system does not support the operation. */
  | 'impossible'
