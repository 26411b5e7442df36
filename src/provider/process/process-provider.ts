import { ok, type Outcome } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Provider } from '../provider.ts'
import { processGuest } from './guest/process-guest.ts'
import type { ProcessHost } from './host/host.ts'
import { linuxProcessTable } from './host/linux-process-table.ts'
import { macosProcessTable } from './host/macos-process-table.ts'
import { mapLimited } from './host/map-limited.ts'
import type { ProcessTable } from './host/process-table.ts'
import { tagPrefix } from './keeper/environment.ts'
import { type HostAccess, hostAccess } from './keeper/host-access.ts'
import { boot } from './keeper/keeper.ts'
import { stop, terminateProcesses } from './keeper/stop.ts'
import { createWorkspaceDirectory, listWorkspaceIds, removeWorkspaceDirectory } from './keeper/workspace-directory.ts'
import { inspect, processContainerId } from './lifecycle/inspect.ts'
import { setup } from './lifecycle/setup.ts'
import { watch } from './lifecycle/watch.ts'

export interface ProcessProviderDeps {
  /** Parent of the workspaces' directories. Created if it does not exist. */
  readonly root: string
  readonly installation: string
  readonly log: ProcessHost['log']
  /** `PATH` inside the workspaces. The default is the system's, without the additions of the service's user. */
  readonly path?: string
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs?: number
  /** Limit for one lifecycle command. */
  readonly commandTimeoutMs?: number
  readonly platform?: NodeJS.Platform
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin'
const maxConcurrentInspections = 64

/**
 * Runs workspaces as plain processes, each in a directory of its own, without isolation. The image, ports, limits and user of a spec
 * are ignored. This protects from mistakes, not from attackers.
 */
export function processProvider(deps: ProcessProviderDeps): Provider {
  const { root, installation, log, path = defaultPath, graceMs = 10_000, commandTimeoutMs = 600_000 } = deps
  const processTable = processTableFor(deps.platform ?? process.platform)
  const host: ProcessHost | null =
    processTable === null ? null : { root, installation, processTable, path, graceMs, commandTimeoutMs, log }
  const access = hostAccess(root, host)
  const { withHost, withDirectory } = access
  return {
    name: 'process',
    guest: processGuest(access),
    image: (_workspace, signal) => withHost('Choosing an image', signal, async () => ok({ imageId: 'process' })),
    container: ({ id }, signal) =>
      withHost('Creating the directory', signal, async () => {
        const result = await createWorkspaceDirectory(root, installation, id)
        return result.ok ? ok({ containerId: processContainerId(id) }) : result
      }),
    boot: (workspace, signal) =>
      withDirectory('Starting the keeper', workspace.id, signal, (host, directory) =>
        boot(host, directory, workspace, signal),
      ),
    setup: (workspace, signal, onProgress, onOutput) =>
      withDirectory('Running the lifecycle commands', workspace.id, signal, (host, directory) =>
        setup(host, directory, workspace, signal, onProgress, onOutput),
      ),
    stop: ({ id }, signal) => stopWorkspace(access, id, signal),
    // A container id of this provider is derived from the workspace id, so there is no other container to remove (law 9).
    remove: (id, _containerId, signal) => removeWorkspace(access, id, signal),
    inspect: (id, signal) => withHost('Inspecting the workspace', signal, async (host) => ok(await inspect(host, id))),
    list: (signal) =>
      withHost('Listing the workspaces', signal, async (host) => {
        const ids = await listWorkspaceIds(root)
        const containers = await mapLimited(ids, maxConcurrentInspections, (id) => inspect(host, id))
        return ok(containers.filter((container) => container !== null))
      }),
    ping: (signal) => withHost('Checking the root directory', signal, async () => ok(undefined)),
    watch: (notify) => (host === null ? { close: () => undefined } : watch(host, access.ensureRoot, notify)),
  }
}

function stopWorkspace({ withDirectory }: HostAccess, id: WorkspaceId, signal: AbortSignal): Promise<Outcome<void>> {
  return withDirectory(
    'Stopping the processes',
    id,
    signal,
    (host, directory) => stop(host, directory, id, signal),
    (host) => terminateProcesses(host, id, signal, { graceMs: host.graceMs }),
  )
}

/** Stops the workspace, removes its directory, and last kills what has been started in between. */
async function removeWorkspace(access: HostAccess, id: WorkspaceId, signal: AbortSignal): Promise<Outcome<void>> {
  const stopped = await stopWorkspace(access, id, signal)
  if (!stopped.ok) return stopped
  return access.withHost('Removing the directory', signal, async (host) => {
    await removeWorkspaceDirectory(host.root, host.installation, id)
    return terminateProcesses(host, id, signal, { graceMs: 0 })
  })
}

/** The processes of this host; `null` on a platform where a process cannot be found again. */
function processTableFor(platform: NodeJS.Platform): ProcessTable | null {
  if (platform === 'linux') return linuxProcessTable(tagPrefix)
  return platform === 'darwin' ? macosProcessTable(tagPrefix) : null
}
