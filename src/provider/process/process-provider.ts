import { constants } from 'node:fs'
import { access, mkdir, rm } from 'node:fs/promises'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Provider } from '../provider.ts'
import { answer } from './answer.ts'
import { type Directory, inDirectory, listIds, makeDirectory, removeDirectory } from './directory.ts'
import { endProcesses, halt } from './ending.ts'
import { markPrefix } from './environment.ts'
import { containerIdOf, find } from './found.ts'
import type { Host } from './host.ts'
import { processInside } from './inside.ts'
import { boot } from './keeper.ts'
import { linuxProcesses } from './linux-processes.ts'
import { mapLimited } from './map-limited.ts'
import type { ProcessTable } from './process-table.ts'
import { psProcesses } from './ps-processes.ts'
import { setup } from './setup.ts'
import { watch } from './watch.ts'

export interface ProcessProviderDeps {
  /** The directory that the workspaces' own are made in. Made if it is not there. */
  readonly root: string
  readonly installation: string
  readonly log: Host['log']
  /** `PATH` inside the workspaces; by default that of the system, without what the service's own user has added. */
  readonly path?: string
  /** Between asking a process to end and killing it. */
  readonly graceMs?: number
  /** For one lifecycle command. */
  readonly commandMs?: number
  readonly platform?: NodeJS.Platform
}

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin'

/**
 * Workspaces as plain processes, each in a directory of its own, without isolation: the image, the ports, the limits and the user
 * of a recipe are not looked at. It guards against mistakes, not against attackers.
 */
export function processProvider(deps: ProcessProviderDeps): Provider {
  const { root, installation, log, path = systemPath, graceMs = 10_000, commandMs = 600_000 } = deps
  const table = tableOf(deps.platform ?? process.platform)
  const host: Host | null = table === null ? null : { root, installation, table, path, graceMs, commandMs, log }
  const nowhere = fault(
    'never',
    'Workspaces run as plain processes on Linux and macOS only. Use Docker here: VM_API_PROVIDER=docker.',
  )

  function ask<T>(what: string, signal: AbortSignal, work: (host: Host) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return answer(what, signal, async () => {
      if (host === null) return nowhere
      try {
        await openRoot()
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        return fault('away', `${root} cannot be used: ${reason}. Make it a directory that the service may write to.`)
      }
      return work(host)
    })
  }

  let opened = false
  async function openRoot(): Promise<void> {
    // Once: a root that is lost later must not be taken for one without workspaces.
    if (!opened) await mkdir(root, { recursive: true, mode: 0o700 })
    opened = true
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK)
  }

  function there<T>(
    id: WorkspaceId,
    work: (directory: Directory) => Promise<Outcome<T>>,
    absent: () => Promise<Outcome<T>> = async () =>
      fault('gone', `The directory of the workspace ${id} is not there any more.`),
  ): Promise<Outcome<T>> {
    return inDirectory(root, installation, id, { absent, work })
  }

  /** Order: nothing runs, no directory, and then nothing that has slipped through in between. */
  async function remove(host: Host, id: WorkspaceId, signal: AbortSignal): Promise<Outcome<void>> {
    const end = (ms: number) => endProcesses(host, id, signal, { graceMs: ms })
    const halted = await there(
      id,
      (directory) => halt(host, directory, id, signal),
      () => end(graceMs),
    )
    if (!halted.ok) return halted
    await removeDirectory(root, installation, id)
    return end(0)
  }

  return {
    name: 'process',
    inside: processInside({
      ask,
      within: (what, id, signal, work) => ask(what, signal, (host) => there(id, (directory) => work(host, directory))),
    }),
    image: (_subject, signal) => ask('Choosing an image', signal, async () => done({ imageId: 'process' })),
    container: ({ id }, signal) =>
      ask('Making the directory', signal, async () => {
        const made = await makeDirectory(root, installation, id)
        return made.ok ? done({ containerId: containerIdOf(id) }) : made
      }),
    boot: (subject, signal) =>
      ask('Starting the keeper', signal, (host) =>
        there(subject.id, (directory) => boot(host, directory, subject, signal)),
      ),
    setup: (subject, signal, progress, heard = () => undefined) =>
      ask('Running the lifecycle commands', signal, (host) =>
        there(subject.id, (directory) => setup(host, directory, subject, signal, progress, heard)),
      ),
    halt: ({ id }, signal) =>
      ask('Ending the processes', signal, (host) =>
        there(
          id,
          (directory) => halt(host, directory, id, signal),
          () => endProcesses(host, id, signal, { graceMs }),
        ),
      ),
    // A container id here is the workspace's own: there is no other that it could mean (law 9).
    remove: (id, _containerId, signal) => ask('Removing the directory', signal, (host) => remove(host, id, signal)),
    inspect: (id, signal) => ask('Looking at the workspace', signal, async (host) => done(await find(host, id))),
    inventory: (signal) =>
      ask('Listing the workspaces', signal, async (host) => {
        const ids = await listIds(root)
        const found = await mapLimited(ids, 64, (id) => find(host, id))
        return done(found.filter((one) => one !== null))
      }),
    ready: (signal) => ask('Looking at the root directory', signal, async () => done(undefined)),
    clear: (signal) =>
      ask('Removing the root directory', signal, async () => {
        const left = await listIds(root)
        if (left.length > 0) return fault('later', `${root} still has ${left.length} workspaces.`)
        await rm(root, { recursive: true, force: true })
        opened = false
        return done(undefined)
      }),
    watch: (tell) => (host === null ? { close: () => undefined } : watch(host, openRoot, tell)),
  }
}

/** The processes of the host that we run on; `null` where there is no way to find one again. */
function tableOf(platform: NodeJS.Platform): ProcessTable | null {
  if (platform === 'linux') return linuxProcesses(markPrefix)
  return platform === 'darwin' ? psProcesses(markPrefix) : null
}
