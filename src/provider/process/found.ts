import type { Found } from '../../workspace/container.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import { exitOf, latestClaim } from './claim.ts'
import { type Directory, inDirectory } from './directory.ts'
import type { Host } from './host.ts'
import { connectionOf } from './keeper.ts'

/** The code of a keeper that was asked to end: by a halt, by hand, or by a host that goes down. */
const asked = 143

/** What a workspace's directory is called towards the rest of the service. */
export function containerIdOf(id: WorkspaceId): string {
  return `process:${id}`
}

/** The workspace as it is now; `null` if it has no directory of ours. Throws if it cannot tell. */
export function find(host: Host, id: WorkspaceId): Promise<Found | null> {
  return inDirectory<Found | null>(host.root, host.installation, id, {
    absent: async () => null,
    work: async (directory) => ({
      workspaceId: id,
      containerId: containerIdOf(id),
      state: await stateOf(host, directory),
    }),
  })
}

async function stateOf(host: Host, directory: Directory): Promise<Found['state']> {
  const latest = await latestClaim(directory.claims)
  if (latest === null) return { kind: 'made' }
  const { number, claim } = latest
  if (claim.kind === 'torn') return exited(null, true)
  if (claim.kind === 'rest') return claim.exit === 'never' ? { kind: 'made' } : exited(claim.exit, false)
  if (await host.table.lives(claim)) return { kind: 'running', connection: connectionOf(directory, claim.pid) }
  const code = await exitOf(directory.claims, number)
  const hostWentDown = claim.epoch !== (await host.table.epoch())
  // A halt would have claimed a rest. So whoever ended this keeper was the host on its way down, unless it ended with a code of its own.
  return exited(code, hostWentDown && (code === null || code === asked))
}

function exited(code: number | null, withEngine: boolean): Found['state'] {
  return { kind: 'exited', exit: { code, outOfMemory: false, withEngine } }
}
