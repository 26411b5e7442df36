import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Reached } from '../supervisor/asked.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { FileAnswer } from './file-told.ts'
import { fileValueIn, notUpForFiles } from './file-told.ts'
import { Problem } from './problem.ts'
import { leaving } from './streamed.ts'
import { idOf } from './workspace-path.ts'

/** How long what is no stream may take: to remove a large tree, say. */
const verbMs = 120_000

export type FileAsker = ReturnType<typeof fileAsker>
export type FilePlace = Extract<Reached, { kind: 'reached' }>
export type AskedOfFiles = Pick<FastifyRequest, 'asker'> & { readonly params: { readonly id: string } }

/** Asks for something in a workspace that runs. To strangers there is none (law 11). Throws the refusal. */
export function fileAsker(supervisor: Supervisor) {
  return async <T>({ asker, params }: AskedOfFiles, verb: (place: FilePlace) => Promise<FileAnswer<T>>): Promise<T> => {
    const id = idOf(params)
    const reached = supervisor.reach(id, asker)
    if (reached.kind === 'unknown') throw new Problem('workspace-not-found')
    if (reached.kind === 'unreadable' || !reached.up)
      throw notUpForFiles(reached.kind === 'unreadable' ? 'failed' : reached.state)
    const answer = await verb(reached)
    if (!answer.ok && 'fault' in answer) {
      // It may have failed because the workspace was stopped, or deleted, meanwhile.
      const now = supervisor.reach(id, asker)
      if (now.kind === 'unknown') throw new Problem('workspace-not-found')
      if (now.kind === 'reached' && !now.up) throw notUpForFiles(now.state)
    }
    return fileValueIn(answer)
  }
}

/** Aborted when nobody waits for it any more, or it takes too long. */
export function soon(reply: FastifyReply): AbortSignal {
  return AbortSignal.any([leaving(reply), AbortSignal.timeout(verbMs)])
}
