import type { Readable, Writable } from 'node:stream'
import type { FileEntry, FileRefusal } from '../workspace/file.ts'
import type { Fault, Outcome } from '../workspace/fault.ts'
import type { GuestCommand, ProcessExit, OutputChunk, ProcessSignal, TerminalSize } from '../workspace/guest-process.ts'
import type { WorkspaceRef } from '../workspace/workspace-ref.ts'

/** A running command. It belongs to its holder alone, and runs on if the holder detaches from it. */
export interface GuestProcess {
  /**
   * What the command writes, in order; can be iterated once. A reader that stops reading blocks the command. Ends when the command has
   * exited, even if a background child still holds its output open, or after `detach()`. Never throws.
   */
  readonly output: AsyncIterable<OutputChunk>
  /** The command's standard input; `null` if it has none. A write after the command has exited is ignored. */
  readonly stdin: Writable | null
  /** Resolves when the command has exited, whether or not its output was read. Never rejects. */
  readonly exited: Promise<ProcessExit>
  /** Resizes the command's terminal. Does nothing without a terminal, or after the exit. */
  resize(size: TerminalSize): Promise<void>
  /**
   * Sends a signal to the command's process group, and to everything else it started that can still be found. Success if it has exited.
   * When `SIGKILL` returns, none of these processes is running.
   */
  signal(signal: ProcessSignal): Promise<Outcome<void>>
  /** Stops reading and releases the connection. The command runs on. */
  detach(): void
}

/** A piece of the main process's output. */
export interface LogChunk extends OutputChunk {
  /** When it was written, in milliseconds since the epoch; `null` if unknown. */
  readonly at: number | null
}

export interface LogOptions {
  /** Only output from this time on, in milliseconds since the epoch; `null` for all. */
  readonly since: number | null
  /** Only this many lines from the end; `null` for all. */
  readonly tail: number | null
  /** Whether to go on with new output until the main process exits or `signal` is aborted. */
  readonly follow: boolean
}

/** Result of a file operation. A refusal comes from the workspace, such as a missing file; a fault comes from the provider. */
export type FileOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault }
  | { readonly ok: false; readonly refused: FileRefusal; readonly message: string }

/**
 * The files of a running workspace, accessed as the spec's user. A path is relative to the spec's `workspaceFolder`, or absolute. It is not
 * empty (`.` is the folder itself) and contains neither NUL nor `..`. Links are followed, but never out of the workspace. Streams are never
 * buffered whole. When `signal` is aborted, an operation settles soon and its streams fail.
 */
export interface GuestFiles {
  /** Describes a file, a directory, or a link itself. */
  stat(workspace: WorkspaceRef, path: string, signal: AbortSignal): Promise<FileOutcome<FileEntry>>
  /** Lists a directory, unsorted. */
  list(workspace: WorkspaceRef, path: string, signal: AbortSignal): Promise<FileOutcome<readonly FileEntry[]>>
  /** Reads a file. The stream fails if the file cannot be read to its end. */
  read(
    workspace: WorkspaceRef,
    path: string,
    signal: AbortSignal,
  ): Promise<FileOutcome<{ readonly entry: FileEntry; readonly bytes: Readable }>>
  /**
   * Replaces a file, or appends to it; its directory must exist. The change is atomic: if `source` fails, the old file stays as it was, also
   * when appending. A `mode` of `null` keeps the old file's mode, or uses 0o644.
   */
  write(
    workspace: WorkspaceRef,
    path: string,
    source: Readable,
    options: { readonly append: boolean; readonly mode: number | null },
    signal: AbortSignal,
  ): Promise<FileOutcome<void>>
  /** Creates a directory and its parents. Success if it exists. */
  makeDirectory(workspace: WorkspaceRef, path: string, signal: AbortSignal): Promise<FileOutcome<void>>
  /** Moves a file or directory to a new path. Replaces an existing file; an existing directory is refused with `exists`. */
  move(workspace: WorkspaceRef, from: string, to: string, signal: AbortSignal): Promise<FileOutcome<void>>
  /** Removes a file, a link, or a directory; a directory with content only if `recursive`. The workspace folder itself is `denied`. */
  remove(workspace: WorkspaceRef, path: string, recursive: boolean, signal: AbortSignal): Promise<FileOutcome<void>>
  /** Packs a file, or the content of a directory (`./a`), into a tar stream. The stream fails if it cannot be completed. */
  pack(workspace: WorkspaceRef, path: string, signal: AbortSignal): Promise<FileOutcome<Readable>>
  /**
   * Unpacks a tar stream into a directory, which is created if needed; existing files are replaced. The caller has checked the entries: files,
   * directories and links only, relative names, no `..`, no link that leads out. Nothing is changed until the whole stream has arrived, so a
   * source that fails changes nothing.
   */
  unpack(workspace: WorkspaceRef, path: string, source: Readable, signal: AbortSignal): Promise<FileOutcome<void>>
}

/** Access to the inside of running workspaces. No method rejects (law 13). */
export interface Guest {
  /**
   * Starts a command in a process group of its own. A user that does not exist is `permanent`; a container that does not exist or run is
   * `missing`. A program that does not exist exits with 127, one that cannot be executed with 126; the shell says why on stderr. `signal`
   * applies to the start only.
   */
  exec(workspace: WorkspaceRef, command: GuestCommand, signal: AbortSignal): Promise<Outcome<GuestProcess>>
  /** Kills every process with this tag, including those that a killed service has left. Success if there is none. May be repeated. */
  killLeftover(workspace: WorkspaceRef, tag: string, signal: AbortSignal): Promise<Outcome<void>>
  readonly files: GuestFiles
  /** Returns the main process's output, oldest first; the process may have exited. The iterable never throws, and ends when `signal` is aborted. */
  logs(workspace: WorkspaceRef, options: LogOptions, signal: AbortSignal): Promise<Outcome<AsyncIterable<LogChunk>>>
}
