// The files of running workspaces.
import type { Readable } from 'node:stream'
import type { FileOutcome } from '../../provider/guest.ts'
import type { Caller } from '../../workspace/caller.ts'
import type { Clock } from '../../workspace/clock.ts'
import type { Fault } from '../../workspace/fault.ts'
import type { FileEntry, FileRefusal } from '../../workspace/file.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { GuestTarget, ResolveWorkspace, WorkspaceNotFound, WorkspaceNotRunning } from '../resolve-workspace.ts'
import { resolveRunning } from '../resolve-workspace.ts'
import { withTimeoutSignal } from '../timeouts.ts'
import { validateArchive } from './archive.ts'

export interface WorkspaceFilesDeps {
  readonly resolveWorkspace: ResolveWorkspace
  readonly clock: Clock
}

export type FileResult<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly refusal: FileRefusal; readonly message: string }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | WorkspaceNotFound
  | WorkspaceNotRunning

/** An archive that was rejected, and of which nothing was put in place. */
export interface MalformedArchive {
  readonly kind: 'malformed-archive'
  readonly reason: string
}

/** An operation in a running workspace. It settles soon after `signal` is aborted, which also breaks its stream. */
export type FileOperation<A, R> = (id: WorkspaceId, caller: Caller, argument: A, signal: AbortSignal) => Promise<R>

/** The file operations. The rules for paths are those of `GuestFiles`; operations without a stream are aborted after two minutes. */
export interface WorkspaceFiles {
  /** Describes what is at a path; of a link, the link itself. */
  readonly stat: FileOperation<string, FileResult<FileEntry>>
  /** Lists a directory, by name. */
  readonly list: FileOperation<string, FileResult<readonly FileEntry[]>>
  /** Creates a directory, and those above it. One that exists is success. */
  readonly makeDirectory: FileOperation<string, FileResult<void>>
  /** Moves a file or directory. A file at the new path is replaced. */
  readonly move: FileOperation<{ readonly from: string; readonly to: string }, FileResult<void>>
  /** Removes a file, a link or a directory; one that is not empty only if `recursive`. */
  readonly remove: FileOperation<{ readonly path: string; readonly recursive: boolean }, FileResult<void>>
  /** Reads a file. The stream fails if it cannot be read to its end. */
  readonly read: FileOperation<string, FileResult<{ readonly entry: FileEntry; readonly bytes: Readable }>>
  /** Writes a file, or appends to it. The old file stands until all of `source` has come. */
  readonly write: FileOperation<FileUpload, FileResult<void>>
  /** Reads a directory or a file as a tar stream, which fails if it is incomplete. */
  readonly pack: FileOperation<string, FileResult<Readable>>
  /** Unpacks a tar stream into a directory, which is created if it is missing. Nothing is put in place before all of it has come. */
  readonly unpack: FileOperation<
    { readonly path: string; readonly source: Readable },
    FileResult<void> | MalformedArchive
  >
}

export interface FileUpload {
  readonly path: string
  readonly source: Readable
  readonly append: boolean
  /** `null`: the mode of the old file, else 0o644. */
  readonly mode: number | null
}

/** How long an operation without a stream may take, such as the removal of a large tree. */
const operationTimeoutMs = 120_000

export function workspaceFiles({ resolveWorkspace, clock }: WorkspaceFilesDeps): WorkspaceFiles {
  type GuestOperation<A, T> = (target: GuestTarget, argument: A, signal: AbortSignal) => Promise<FileOutcome<T>>

  const streamed =
    <A, T>(operation: GuestOperation<A, T>): FileOperation<A, FileResult<T>> =>
    async (id, caller, argument, signal) => {
      const target = resolveRunning(resolveWorkspace, id, caller)
      if (target.kind !== 'running') return target
      const outcome = await operation(target, argument, signal)
      if (outcome.ok) return { kind: 'done', value: outcome.value }
      if ('refused' in outcome) return { kind: 'refused', refusal: outcome.refused, message: outcome.message }
      // The workspace may have been stopped or deleted meanwhile, which explains the fault.
      const current = resolveWorkspace(id, caller)
      if (current.kind === 'not-found') return current
      if (current.kind === 'found' && !current.ready) return { kind: 'not-running', state: current.state }
      return { kind: 'fault', fault: outcome.fault }
    }

  const timed = <A, T>(operation: GuestOperation<A, T>): FileOperation<A, FileResult<T>> => {
    const run = streamed(operation)
    return (id, caller, argument, signal) =>
      withTimeoutSignal(clock, operationTimeoutMs, (either) => run(id, caller, argument, either), signal)
  }

  return {
    stat: timed(({ guest, workspace }, path, signal) => guest.files.stat(workspace, path, signal)),
    list: timed(async ({ guest, workspace }, path, signal) => {
      const outcome = await guest.files.list(workspace, path, signal)
      return outcome.ok ? { ok: true, value: outcome.value.toSorted(byName) } : outcome
    }),
    makeDirectory: timed(({ guest, workspace }, path, signal) => guest.files.makeDirectory(workspace, path, signal)),
    move: timed(({ guest, workspace }, { from, to }, signal) => guest.files.move(workspace, from, to, signal)),
    remove: timed(({ guest, workspace }, { path, recursive }, signal) =>
      guest.files.remove(workspace, path, recursive, signal),
    ),
    read: streamed(({ guest, workspace }, path, signal) => guest.files.read(workspace, path, signal)),
    write: streamed(({ guest, workspace }, { path, source, ...options }, signal) =>
      guest.files.write(workspace, path, source, options, signal),
    ),
    pack: streamed(({ guest, workspace }, path, signal) => guest.files.pack(workspace, path, signal)),
    async unpack(id, caller, { path, source }, signal) {
      let rejectionReason: () => string | null = () => null
      const run = streamed<string, void>(({ guest, workspace }) => {
        const archive = validateArchive(source)
        rejectionReason = archive.rejectionReason
        return guest.files.unpack(workspace, path, archive.stream, signal)
      })
      const result = await run(id, caller, path, signal)
      const reason = result.kind === 'done' ? null : rejectionReason()
      return reason === null ? result : { kind: 'malformed-archive', reason }
    },
  }
}

function byName({ name }: FileEntry, { name: otherName }: FileEntry): number {
  return name < otherName ? -1 : 1
}
