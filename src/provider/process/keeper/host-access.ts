import { constants } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { ProcessHost } from '../host/host.ts'
import { type WorkspaceDirectory, withWorkspaceDirectory } from './workspace-directory.ts'

/** How the verbs of the port get at the host. Errors of the system become faults here. */
export interface HostAccess {
  /** Creates the root directory the first time, and checks that it can be used. Throws otherwise. */
  ensureRoot(): Promise<void>
  /** Runs `work` once the root directory is usable. `operation` begins the message of a fault. */
  withHost<T>(
    operation: string,
    signal: AbortSignal,
    work: (host: ProcessHost) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>>
  /** As `withHost`, with the workspace's directory. Without a directory the result is that of `whenMissing`, or `missing`. */
  withDirectory<T>(
    operation: string,
    id: WorkspaceId,
    signal: AbortSignal,
    work: (host: ProcessHost, directory: WorkspaceDirectory) => Promise<Outcome<T>>,
    whenMissing?: (host: ProcessHost) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>>
}

/** Access to `host`; `null` for a platform where a process cannot be found again. */
export function hostAccess(root: string, host: ProcessHost | null): HostAccess {
  let rootCreated = false
  async function ensureRoot(): Promise<void> {
    // Only once: a root that is lost later must not be recreated and look like one without workspaces.
    if (!rootCreated) await mkdir(root, { recursive: true, mode: 0o700 })
    rootCreated = true
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK)
  }

  const withHost: HostAccess['withHost'] = async (operation, signal, work) => {
    if (signal.aborted) return fault('transient', `${operation} was cancelled.`)
    if (host === null)
      return fault(
        'permanent',
        'Workspaces run as plain processes on Linux and macOS only. Use Docker here: VM_API_PROVIDER=docker.',
      )
    try {
      await ensureRoot()
    } catch (error) {
      return fault(
        'unavailable',
        `${root} cannot be used: ${messageOf(error)}. Make it a directory that the service may write to.`,
      )
    }
    try {
      // Not raced against the signal, which `work` watches itself: what outlives its answer would run beside the next verb.
      return await work(host)
    } catch (error) {
      // Such as a full disk: a person can fix it, and the same request may then succeed.
      return fault('transient', `${operation} failed: ${messageOf(error)}`)
    }
  }

  return {
    ensureRoot,
    withHost,
    withDirectory: (operation, id, signal, work, whenMissing) =>
      withHost(operation, signal, (host) =>
        withWorkspaceDirectory(root, host.installation, id, {
          work: (directory) => work(host, directory),
          whenMissing: async () =>
            whenMissing?.(host) ?? fault('missing', `The directory of the workspace ${id} does not exist any more.`),
        }),
      ),
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
