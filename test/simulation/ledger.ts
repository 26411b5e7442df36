import type { WorkspaceId } from '../../src/workspace/id.ts'

export type ClientCommand = 'create' | 'start' | 'stop' | 'restart' | 'delete' | 'update'

/** `unheard`: whoever asked got no answer, since the process died; it may have been done or not. */
export type CommandOutcome =
  | 'pending'
  | 'accepted'
  | 'refused'
  | 'not-found'
  | 'name-taken'
  | 'write-failed'
  | 'unheard'

/** One thing that one client asked of one workspace, in the order in which they were asked. */
export interface LedgerRequest {
  readonly command: ClientCommand
  /** By the wall clock, which is how the journal names it. */
  readonly at: number
  /** On the clock that never jumps. */
  readonly moment: number
  outcome: CommandOutcome
}

/** A workspace as the clients know it. */
export interface LedgerWorkspace {
  readonly id: WorkspaceId
  /** The same in every run of a seed, which its id is not. */
  readonly label: string
  readonly owner: string
  readonly requests: LedgerRequest[]
}

export type Ledger = ReturnType<typeof ledger>

/** What clients asked and were answered: what the service has to stand by. */
export function ledger() {
  const workspaces = new Map<WorkspaceId, LedgerWorkspace>()
  const openRequests = new Set<LedgerRequest>()

  return {
    all: (): readonly LedgerWorkspace[] => [...workspaces.values()],
    find: (id: WorkspaceId): LedgerWorkspace | undefined => workspaces.get(id),

    /** The journal told of a new workspace, before or after its client was answered. */
    recordCreated(id: WorkspaceId, owner: string, at: number, moment: number): LedgerWorkspace {
      const request: LedgerRequest = { command: 'create', at, moment, outcome: 'unheard' }
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

    /** The process died: nobody who still waits is answered. */
    abandonOpen() {
      for (const request of openRequests) request.outcome = 'unheard'
      openRequests.clear()
    },

    openCount: (): number => openRequests.size,
  }
}

/** Was it told to its owner that this workspace is deleted? */
export function wasToldDeleted({ requests }: LedgerWorkspace): boolean {
  return requests.some(({ command, outcome }) => command === 'delete' && outcome === 'accepted')
}
