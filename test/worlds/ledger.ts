import type { WorkspaceId } from '../../src/workspace/id.ts'

export type Said = 'create' | 'start' | 'stop' | 'restart' | 'delete' | 'amend'

/** `unheard`: whoever asked got no answer, since the process died; it may have been done or not. */
export type Answer = 'pending' | 'accepted' | 'refused' | 'unknown' | 'name-taken' | 'not-written' | 'unheard'

/** One thing that one client asked of one workspace, in the order in which they were asked. */
export interface Request {
  readonly said: Said
  /** By the wall clock, which is how the journal names it. */
  readonly at: number
  /** On the clock that never jumps. */
  readonly moment: number
  answer: Answer
}

/** A workspace as the clients know it. */
export interface Known {
  readonly id: WorkspaceId
  /** The same in every run of a seed, which its id is not. */
  readonly label: string
  readonly owner: string
  readonly requests: Request[]
}

export type Ledger = ReturnType<typeof ledger>

/** What clients asked and were answered: what the service has to stand by. */
export function ledger() {
  const known = new Map<WorkspaceId, Known>()
  const open = new Set<Request>()

  return {
    known: (): readonly Known[] => [...known.values()],
    find: (id: WorkspaceId): Known | undefined => known.get(id),

    /** The journal told of a new workspace, before or after its client was answered. */
    born(id: WorkspaceId, owner: string, at: number, moment: number): Known {
      const request: Request = { said: 'create', at, moment, answer: 'unheard' }
      const it: Known = { id, owner, label: `w${known.size + 1}`, requests: [request] }
      known.set(id, it)
      return it
    },

    ask(it: Known, said: Said, at: number, moment: number): Request {
      const request: Request = { said, at, moment, answer: 'pending' }
      it.requests.push(request)
      open.add(request)
      return request
    },

    answered(request: Request, answer: Answer) {
      request.answer = answer
      open.delete(request)
    },

    /** The process died: nobody who still waits is answered. */
    hungUp() {
      for (const request of open) request.answer = 'unheard'
      open.clear()
    },

    waiting: (): number => open.size,
  }
}

/** Was it told to its owner that this workspace is deleted? */
export function isToldDeleted({ requests }: Known): boolean {
  return requests.some(({ said, answer }) => said === 'delete' && answer === 'accepted')
}
