import type { Readable, Writable } from 'node:stream'
import type { FileEntry, FileRefusal } from '../workspace/file.ts'
import type { Fault, Outcome } from '../workspace/fault.ts'
import type { GuestCommand, ProcessExit, OutputChunk, ProcessSignal, TerminalSize } from '../workspace/guest-process.ts'
import type { WorkspaceRef } from '../workspace/workspace-ref.ts'

/** A command that runs. Nobody but the holder hears it: whoever leaves it does not end it. */
export interface GuestProcess {
  /**
   * What it writes, in order, to be read once. It is read from the command only as fast as it is read here: whoever stops reading holds
   * the command up. It ends when the command has ended, even if a child in the background still holds its output open, or after `leave()`.
   * Never throws.
   */
  readonly output: AsyncIterable<OutputChunk>
  /** What it reads; ending it is the end of its input. `null`: it reads nothing. Errors that come of its end are swallowed. */
  readonly stdin: Writable | null
  /** Resolves when it has ended, whether its output was read or not. Never rejects. */
  readonly exited: Promise<ProcessExit>
  /** Changes the size of its terminal. Without one, or after its end, nothing happens. */
  resize(size: TerminalSize): Promise<void>
  /**
   * Sends a signal to its process group and to whatever it started and can still be found. Ended already is success. After `SIGKILL` nothing of
   * it runs any more when this answers.
   */
  signal(signal: ProcessSignal): Promise<Outcome<void>>
  /** Stops listening, and lets go of what is held for it here. The command goes on. */
  detach(): void
}

/** A piece of what the main process wrote. */
export interface LogChunk extends OutputChunk {
  /** When it was written, milliseconds since the epoch; `null` if that is not kept. */
  readonly at: number | null
}

export interface LogOptions {
  /** Only what was written at this time or later, milliseconds since the epoch. */
  readonly since: number | null
  /** Only the last so many lines; `null`: all. */
  readonly tail: number | null
  /** True: goes on with what is written from now on, until the main process ends or `signal` is aborted. */
  readonly follow: boolean
}

/** What a file verb answers: the workspace may refuse it, and that is no fault of the provider's. */
export type FileOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault }
  | { readonly ok: false; readonly refused: FileRefusal; readonly message: string }

/**
 * The files of a running workspace, with the rights of the recipe's user. A path is relative to the recipe's `workspaceFolder`, or absolute;
 * it has no NUL and no part `..`, and is not empty (`.` is the folder itself). A link is followed, but never out of the workspace.
 * Streams are never held in memory. Each verb settles soon after `signal` is aborted, which breaks its streams too.
 */
export interface GuestFiles {
  /** What is there; of a link, the link itself. */
  stat(workspace: WorkspaceRef, path: string, signal: AbortSignal): Promise<FileOutcome<FileEntry>>
  /** What is in a directory, in no order. */
  list(workspace: WorkspaceRef, path: string, signal: AbortSignal): Promise<FileOutcome<readonly FileEntry[]>>
  /** A file's bytes: the stream fails if they cannot be read to the end. */
  read(
    workspace: WorkspaceRef,
    path: string,
    signal: AbortSignal,
  ): Promise<FileOutcome<{ readonly entry: FileEntry; readonly bytes: Readable }>>
  /**
   * Writes a file whole, or appends to it; its directory must be there. Until `source` has ended well the old file stands, and a source that
   * fails changes nothing; an append that is cut off leaves the old file too. `mode` of `null`: the old file's, else 0o644.
   */
  write(
    workspace: WorkspaceRef,
    path: string,
    source: Readable,
    options: { readonly append: boolean; readonly mode: number | null },
    signal: AbortSignal,
  ): Promise<FileOutcome<void>>
  /** Makes a directory, and those above it. There already is success. */
  makeDirectory(workspace: WorkspaceRef, path: string, signal: AbortSignal): Promise<FileOutcome<void>>
  /** Moves a file or directory to a path; a file that is there is replaced, a directory that is there is `exists`. */
  move(workspace: WorkspaceRef, from: string, to: string, signal: AbortSignal): Promise<FileOutcome<void>>
  /** Removes a file, a link, or a directory: with what is in it only if `recursive`. The workspace folder itself is `denied`. */
  remove(workspace: WorkspaceRef, path: string, recursive: boolean, signal: AbortSignal): Promise<FileOutcome<void>>
  /** A tar stream of what is at the path: of a directory what is in it (`./a`), of a file that file. It fails if it is not whole. */
  pack(workspace: WorkspaceRef, path: string, signal: AbortSignal): Promise<FileOutcome<Readable>>
  /**
   * Puts what is in a tar stream into a directory, which is made if it is not there; files that are there are replaced. The stream has been
   * checked: relative names, no `..`, no link that leads out, files, directories and links only. Nothing is put in place before all of it has come:
   * a source that fails changes nothing.
   */
  unpack(workspace: WorkspaceRef, path: string, source: Readable, signal: AbortSignal): Promise<FileOutcome<void>>
}

/** What a workspace's owner does inside it while it runs. Nothing here rejects (law 13). */
export interface Guest {
  /**
   * Starts a command as a process group of its own. What can be known at once is a fault: `permanent` for a user that does not exist,
   * `missing` when the container is not there or does not run. A program that does not exist is a run that ends with 127 and the shell's word,
   * one that may not be run with 126. `signal` is for the start only.
   */
  exec(workspace: WorkspaceRef, command: GuestCommand, signal: AbortSignal): Promise<Outcome<GuestProcess>>
  /**
   * Ends whatever is left of runs with this mark, of a service that was killed too. None there is success. May be repeated.
   */
  killLeftover(workspace: WorkspaceRef, tag: string, signal: AbortSignal): Promise<Outcome<void>>
  readonly files: GuestFiles
  /** What the main process wrote, oldest first; it may have ended. The iterable never throws; it ends when `signal` is aborted. */
  logs(workspace: WorkspaceRef, options: LogOptions, signal: AbortSignal): Promise<Outcome<AsyncIterable<LogChunk>>>
}
