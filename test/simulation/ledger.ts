import type { WorkspaceId } from '../../src/workspace/id.ts'

export type ClientCommand = 'create' | 'start' | 'stop' | 'restart' | 'delete' | 'update'

/** `unanswered`: the process died before it answered. The command may have been executed or not. */
export type CommandOutcome =
  | 'pending'
  | 'accepted'
  | 'refused'
  | 'not-found'
  | 'name-taken'
  | 'write-failed'
  | 'unanswered'

/** A request of a client about a workspace. */
export interface LedgerRequest {
  readonly command: ClientCommand
  /** On the wall clock, as in the journal. */
  readonly at: number
  /** On the monotonic clock. */
  readonly moment: number
  outcome: CommandOutcome
}

/** A workspace as clients know it, with their requests in order. */
export interface LedgerWorkspace {
  readonly id: WorkspaceId
  /** The same in every run of a seed, unlike the id. */
  readonly label: string
  readonly owner: string
  readonly requests: LedgerRequest[]
}

export type Ledger = ReturnType<typeof ledger>

/** Records the requests of clients and their outcomes, which the service must honor. */
export function ledger() {
  const workspaces = new Map<WorkspaceId, LedgerWorkspace>()
  const openRequests = new Set<LedgerRequest>()

  return {
    all: (): readonly LedgerWorkspace[] => [...workspaces.values()],
    find: (id: WorkspaceId): LedgerWorkspace | undefined => workspaces.get(id),

    /** Records a workspace that has appeared in the journal, before or after its client got the answer. */
    recordCreated(id: WorkspaceId, owner: string, at: number, moment: number): LedgerWorkspace {
      const request: LedgerRequest = { command: 'create', at, moment, outcome: 'unanswered' }
      const workspace: LedgerWorkspace = { id, owner, label: `w${workspaces.size + 1}`, requests: [request] }
      workspaces.set(id, workspace)
      return workspace
    },

    recordRequest(workspace: LedgerWorkspace, command: ClientCommand, at: number, moment: number): LedgerRequest {
      const request: LedgerRequest = { command, at, moment, outcome: 'pending' }
      workspace.requests.push(request)
      openRequests.add(request)
      return request
    },

    recordOutcome(request: LedgerRequest, outcome: CommandOutcome) {
      request.outcome = outcome
      openRequests.delete(request)
    },

    /** Marks all open requests as unanswered, because the process died. */
    abandonOpen() {
      for (const request of openRequests) request.outcome = 'unanswered'
      openRequests.clear()
    },

    openCount: (): number => openRequests.size,
  }
}

/** Returns true if a delete of this workspace was acknowledged. */
export function isDeleteAcknowledged({ requests }: LedgerWorkspace): boolean {
  return requests.some(({ command, outcome }) => command === 'delete' && outcome === 'accepted')
}
