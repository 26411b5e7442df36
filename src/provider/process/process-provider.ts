import { constants } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { ok, fault, type Outcome } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Provider } from '../provider.ts'
import { catchAsFault } from './host/catch-as-fault.ts'
import {
  type WorkspaceDirectory,
  withWorkspaceDirectory,
  listWorkspaceIds,
  createWorkspaceDirectory,
  removeWorkspaceDirectory,
} from './keeper/workspace-directory.ts'
import { terminateProcesses, stop } from './keeper/stop.ts'
import { tagPrefix } from './keeper/environment.ts'
import { processContainerId, inspect } from './lifecycle/inspect.ts'
import type { ProcessHost } from './host/host.ts'
import { processGuest } from './guest/process-guest.ts'
import { boot } from './keeper/keeper.ts'
import { linuxProcessTable } from './host/linux-process-table.ts'
import { mapLimited } from './host/map-limited.ts'
import type { ProcessTable } from './host/process-table.ts'
import { macosProcessTable } from './host/macos-process-table.ts'
import { setup } from './lifecycle/setup.ts'
import { watch } from './lifecycle/watch.ts'

export interface ProcessProviderDeps {
  /** The directory that the workspaces' own are made in. Made if it is not there. */
  readonly root: string
  readonly installation: string
  readonly log: ProcessHost['log']
  /** `PATH` inside the workspaces; by default that of the system, without what the service's own user has added. */
  readonly path?: string
  /** Between asking a process to end and killing it. */
  readonly graceMs?: number
  /** For one lifecycle command. */
  readonly commandTimeoutMs?: number
  readonly platform?: NodeJS.Platform
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin'

/**
 * Workspaces as plain processes, each in a directory of its own, without isolation: the image, the ports, the limits and the user
 * of a recipe are not looked at. It guards against mistakes, not against attackers.
 */
export function processProvider(deps: ProcessProviderDeps): Provider {
  const { root, installation, log, path = defaultPath, graceMs = 10_000, commandTimeoutMs = 600_000 } = deps
  const processTable = processTableFor(deps.platform ?? process.platform)
  const host: ProcessHost | null =
    processTable === null ? null : { root, installation, processTable, path, graceMs, commandTimeoutMs, log }
  const unsupportedPlatform = fault(
    'permanent',
    'Workspaces run as plain processes on Linux and macOS only. Use Docker here: VM_API_PROVIDER=docker.',
  )

  function withHost<T>(
    operation: string,
    signal: AbortSignal,
    work: (host: ProcessHost) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    return catchAsFault(operation, signal, async () => {
      if (host === null) return unsupportedPlatform
      try {
        await ensureRoot()
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        return fault(
          'unavailable',
          `${root} cannot be used: ${reason}. Make it a directory that the service may write to.`,
        )
      }
      return work(host)
    })
  }

  let rootCreated = false
  async function ensureRoot(): Promise<void> {
    // Once: a root that is lost later must not be taken for one without workspaces.
    if (!rootCreated) await mkdir(root, { recursive: true, mode: 0o700 })
    rootCreated = true
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK)
  }

  function withDirectory<T>(
    id: WorkspaceId,
    work: (directory: WorkspaceDirectory) => Promise<Outcome<T>>,
    whenMissing: () => Promise<Outcome<T>> = async () =>
      fault('missing', `The directory of the workspace ${id} is not there any more.`),
  ): Promise<Outcome<T>> {
    return withWorkspaceDirectory(root, installation, id, { whenMissing, work })
  }

  /** Order: nothing runs, no directory, and then nothing that has slipped through in between. */
  async function remove(host: ProcessHost, id: WorkspaceId, signal: AbortSignal): Promise<Outcome<void>> {
    const terminate = (forceAfterMs: number) => terminateProcesses(host, id, signal, { graceMs: forceAfterMs })
    const stopResult = await withDirectory(
      id,
      (directory) => stop(host, directory, id, signal),
      () => terminate(graceMs),
    )
    if (!stopResult.ok) return stopResult
    await removeWorkspaceDirectory(root, installation, id)
    return terminate(0)
  }

  return {
    name: 'process',
    guest: processGuest({
      withHost,
      withDirectory: (operation, id, signal, work) =>
        withHost(operation, signal, (host) => withDirectory(id, (directory) => work(host, directory))),
    }),
    image: (_workspace, signal) => withHost('Choosing an image', signal, async () => ok({ imageId: 'process' })),
    container: ({ id }, signal) =>
      withHost('Making the directory', signal, async () => {
        const result = await createWorkspaceDirectory(root, installation, id)
        return result.ok ? ok({ containerId: processContainerId(id) }) : result
      }),
    boot: (workspace, signal) =>
      withHost('Starting the keeper', signal, (host) =>
        withDirectory(workspace.id, (directory) => boot(host, directory, workspace, signal)),
      ),
    setup: (workspace, signal, onProgress, onOutput) =>
      withHost('Running the lifecycle commands', signal, (host) =>
        withDirectory(workspace.id, (directory) => setup(host, directory, workspace, signal, onProgress, onOutput)),
      ),
    stop: ({ id }, signal) =>
      withHost('Ending the processes', signal, (host) =>
        withDirectory(
          id,
          (directory) => stop(host, directory, id, signal),
          () => terminateProcesses(host, id, signal, { graceMs }),
        ),
      ),
    // A container id here is the workspace's own: there is no other that it could mean (law 9).
    remove: (id, _containerId, signal) =>
      withHost('Removing the directory', signal, (host) => remove(host, id, signal)),
    inspect: (id, signal) => withHost('Looking at the workspace', signal, async (host) => ok(await inspect(host, id))),
    list: (signal) =>
      withHost('Listing the workspaces', signal, async (host) => {
        const ids = await listWorkspaceIds(root)
        const containers = await mapLimited(ids, 64, (id) => inspect(host, id))
        return ok(containers.filter((container) => container !== null))
      }),
    ping: (signal) => withHost('Looking at the root directory', signal, async () => ok(undefined)),
    watch: (notify) => (host === null ? { close: () => undefined } : watch(host, ensureRoot, notify)),
  }
}

/** The processes of the host that we run on; `null` where there is no way to find one again. */
function processTableFor(platform: NodeJS.Platform): ProcessTable | null {
  if (platform === 'linux') return linuxProcessTable(tagPrefix)
  return platform === 'darwin' ? macosProcessTable(tagPrefix) : null
}
