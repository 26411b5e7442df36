import type { ContainerRecord } from '../../../workspace/container.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import { keeperExitCode, latestClaim } from '../keeper/claim.ts'
import { type WorkspaceDirectory, withWorkspaceDirectory } from '../keeper/workspace-directory.ts'
import type { ProcessHost } from '../host/host.ts'
import { processConnection } from '../keeper/keeper.ts'

/** The exit code of a keeper that got SIGTERM: from a stop, from a person, or from a host that shuts down. */
const sigtermExitCode = 143

/** The container id of a workspace on this provider. */
export function processContainerId(id: WorkspaceId): string {
  return `process:${id}`
}

/** Describes the workspace's present state; `null` if it has no directory of this installation. Throws system errors. */
export function inspect(host: ProcessHost, id: WorkspaceId): Promise<ContainerRecord | null> {
  return withWorkspaceDirectory<ContainerRecord | null>(host.root, host.installation, id, {
    whenMissing: async () => null,
    work: async (directory) => ({
      workspaceId: id,
      containerId: processContainerId(id),
      state: await containerState(host, directory),
    }),
  })
}

async function containerState(host: ProcessHost, directory: WorkspaceDirectory): Promise<ContainerRecord['state']> {
  const latest = await latestClaim(directory.claimsDirectory)
  if (latest === null) return { kind: 'created' }
  const { number, claim } = latest
  if (claim.kind === 'corrupt') return exitedState(null, true)
  if (claim.kind === 'rest') return claim.exit === 'never' ? { kind: 'created' } : exitedState(claim.exit, false)
  if (await host.processTable.isAlive(claim))
    return { kind: 'running', connection: processConnection(directory, claim.pid) }
  const code = await keeperExitCode(directory.claimsDirectory, number)
  const hostWentDown = claim.bootId !== (await host.processTable.bootId())
  // A stop would have left its own claim. So the shutdown of the host ended this keeper, unless it exited with a code of its own.
  return exitedState(code, hostWentDown && (code === null || code === sigtermExitCode))
}

function exitedState(code: number | null, wentDownWithEngine: boolean): ContainerRecord['state'] {
  return { kind: 'exited', exit: { code, outOfMemory: false, wentDownWithEngine } }
}
