import type { Guest } from '../../guest.ts'
import type { HostAccess } from '../keeper/host-access.ts'
import { processFiles } from './files/process-files.ts'
import { keeperLogs } from './keeper-logs.ts'
import { killProcessesByTag, spawnGuestProcess } from './spawn-guest-process.ts'

/** The guest of workspaces that are plain processes: everything runs as the service's own user, without isolation. */
export function processGuest({ withHost, withDirectory }: HostAccess): Guest {
  return {
    exec: (workspace, command, signal) =>
      withDirectory('Starting the command', workspace.id, signal, (host, directory) =>
        spawnGuestProcess(host, directory, workspace, command, signal),
      ),
    killLeftover: (workspace, tag, signal) =>
      withHost('Killing the command', signal, (host) => killProcessesByTag(host, workspace, tag, signal)),
    files: processFiles({ withDirectory }),
    logs: (workspace, options, signal) =>
      withDirectory('Reading the log', workspace.id, signal, (host, directory) =>
        keeperLogs(host, directory, options, signal),
      ),
  }
}
