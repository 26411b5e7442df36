import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Provider } from '../../../src/provider/provider.ts'
import { processProvider, type ProcessProviderDeps } from '../../../src/provider/process/process-provider.ts'
import { parseWorkspaceId, type WorkspaceId } from '../../../src/workspace/id.ts'
import { type ProviderFixture, plainSpec, neverAborted } from '../contract/provider-fixture.ts'

/** A process of a workspace, found in /proc without the provider. */
export interface WorkspaceProcess {
  readonly pid: number
  readonly command: string
}

export interface ProcessFixture extends ProviderFixture {
  readonly root: string
  /** A provider with other settings on the same root. */
  withSettings(deps: Partial<ProcessProviderDeps>): Provider
}

/** Workspaces as real processes in a temporary directory. */
export async function processFixture(): Promise<ProcessFixture> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'vm-api-process-')))
  const removedIds = new Set<string>()
  const createProvider = (deps: Partial<ProcessProviderDeps>) =>
    processProvider({
      root,
      installation: 'here',
      log: { warn: () => undefined },
      path: process.env['PATH'] ?? '',
      ...deps,
    })
  return {
    root,
    withSettings: createProvider,
    provider: createProvider({}),
    newSpec: plainSpec,
    kill: async (containerId) => {
      const [keeper] = keepersOf(workspaceIdOf(containerId))
      if (keeper === undefined) throw new Error(`${containerId} has no keeper`)
      process.kill(keeper.pid, 'SIGKILL')
      await waitForExit(keeper.pid)
    },
    // Removes the directory only, as a person might, and leaves the processes running.
    removeByHand: async (containerId) => {
      removedIds.add(workspaceIdOf(containerId))
      await rm(join(root, workspaceIdOf(containerId)), { recursive: true })
    },
    restarted: () => createProvider({}),
    otherInstallation: () => createProvider({ installation: 'elsewhere' }),
    close: async () => {
      const provider = createProvider({ graceMs: 0 })
      for (const name of new Set([...removedIds, ...(await readdir(root))])) {
        const id = parseWorkspaceId(name)
        if (id !== undefined) await provider.remove(id, null, neverAborted())
      }
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** The processes with a workspace's tag. */
export function processesOf(id: WorkspaceId): readonly WorkspaceProcess[] {
  return allWorkspaceProcesses().filter((entry) => entry.id === id)
}

/** The keepers among them. */
export function keepersOf(id: WorkspaceId): readonly WorkspaceProcess[] {
  return processesOf(id).filter(({ command }) => command.includes('vm-api-keeper'))
}

/** Resolves when the process has exited. Polls, since the kernel notifies only the parent. */
export async function waitForExit(pid: number): Promise<void> {
  while (/\) [^ZX] /.test(readProcFile(pid, 'stat'))) await delay(5)
}

/** The workspace id in a container id of this provider. */
export function workspaceIdOf(containerId: string): WorkspaceId {
  const id = parseWorkspaceId(containerId.replace(/^process:/, ''))
  if (id === undefined) throw new Error(`${containerId} names no workspace`)
  return id
}

function allWorkspaceProcesses(): readonly (WorkspaceProcess & { readonly id: string })[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || !/\) [^ZX] /.test(readProcFile(name, 'stat'))) return []
    const id = /(?:^|\0)VM_WORKSPACE_ID=([^\0]*)/.exec(readProcFile(name, 'environ'))?.[1]
    return id === undefined
      ? []
      : [{ pid: Number(name), id, command: readProcFile(name, 'cmdline').replaceAll('\0', ' ').trim() }]
  })
}

function readProcFile(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // The process has exited since the directory was read.
  }
}
