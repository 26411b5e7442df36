import type { Outcome } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Inside } from '../inside.ts'
import type { Directory } from './directory.ts'
import type { Host } from './host.ts'
import { processFiles } from './files.ts'
import { keeperLogs } from './logs.ts'
import { endRun, startRun } from './run.ts'

/** How something is asked of the host that workspaces run on. */
export interface Asking {
  ask<T>(what: string, signal: AbortSignal, work: (host: Host) => Promise<Outcome<T>>): Promise<Outcome<T>>
  /** For a workspace that has a directory; `gone` if it has none. */
  within<T>(
    what: string,
    id: WorkspaceId,
    signal: AbortSignal,
    work: (host: Host, directory: Directory) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>>
}

/** What an owner does inside a workspace that is plain processes: all of it as the service's own user, without isolation. */
export function processInside({ ask, within }: Asking): Inside {
  return {
    run: (subject, command, signal) =>
      within('Starting the command', subject.id, signal, (host, directory) =>
        startRun(host, directory, subject, command, signal),
      ),
    endRun: (subject, mark, signal) => ask('Ending the command', signal, (host) => endRun(host, subject, mark, signal)),
    files: processFiles({ within }),
    logs: (subject, wish, signal) =>
      within('Reading the log', subject.id, signal, (host, directory) => keeperLogs(host, directory, wish, signal)),
  }
}
