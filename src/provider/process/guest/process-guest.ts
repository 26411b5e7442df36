import type { Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { Guest } from '../../guest.ts'
import type { WorkspaceDirectory } from '../keeper/workspace-directory.ts'
import type { ProcessHost } from '../host/host.ts'
import { processFiles } from './files/process-files.ts'
import { keeperLogs } from './keeper-logs.ts'
import { killProcessesByTag, spawnGuestProcess } from './spawn-guest-process.ts'

/** How something is asked of the host that workspaces run on. */
export interface HostAccess {
  withHost<T>(
    operation: string,
    signal: AbortSignal,
    work: (host: ProcessHost) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>>
  /** For a workspace that has a directory; `missing` if it has none. */
  withDirectory<T>(
    operation: string,
    id: WorkspaceId,
    signal: AbortSignal,
    work: (host: ProcessHost, directory: WorkspaceDirectory) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>>
}

/** What an owner does inside a workspace that is plain processes: all of it as the service's own user, without isolation. */
export function processGuest({ withHost, withDirectory }: HostAccess): Guest {
  return {
    exec: (workspace, command, signal) =>
      withDirectory('Starting the command', workspace.id, signal, (host, directory) =>
        spawnGuestProcess(host, directory, workspace, command, signal),
      ),
    killLeftover: (workspace, tag, signal) =>
      withHost('Ending the command', signal, (host) => killProcessesByTag(host, workspace, tag, signal)),
    files: processFiles({ withDirectory }),
    logs: (workspace, options, signal) =>
      withDirectory('Reading the log', workspace.id, signal, (host, directory) =>
        keeperLogs(host, directory, options, signal),
      ),
  }
}
