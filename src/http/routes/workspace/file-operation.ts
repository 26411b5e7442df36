import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ResolveResult } from '../../../supervisor/queries.ts'
import type { Supervisor } from '../../../supervisor/supervisor.ts'
import type { FileResult } from '../../presenters/file.ts'
import { unwrapFileResult, notRunningForFiles } from '../../presenters/file.ts'
import { Problem } from '../../presenters/problem.ts'
import { disconnectSignal } from '../../server/body-streams.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

/** How long what is no stream may take: to remove a large tree, say. */
const operationTimeoutMs = 120_000

export type FileOperationRunner = ReturnType<typeof fileOperationRunner>
export type FileTarget = Extract<ResolveResult, { kind: 'found' }>
export type FileRequest = Pick<FastifyRequest, 'caller'> & { readonly params: { readonly id: string } }

/** Asks for something in a workspace that runs. To strangers there is none (law 11). Throws the refusal. */
export function fileOperationRunner(supervisor: Supervisor) {
  return async <T>(
    { caller, params }: FileRequest,
    operation: (target: FileTarget) => Promise<FileResult<T>>,
  ): Promise<T> => {
    const id = workspaceIdParam(params)
    const resolved = supervisor.resolve(id, caller)
    if (resolved.kind === 'not-found') throw new Problem('workspace-not-found')
    if (resolved.kind === 'quarantined' || !resolved.ready)
      throw notRunningForFiles(resolved.kind === 'quarantined' ? 'failed' : resolved.state)
    const result = await operation(resolved)
    if (!result.ok && 'fault' in result) {
      // It may have failed because the workspace was stopped, or deleted, meanwhile.
      const current = supervisor.resolve(id, caller)
      if (current.kind === 'not-found') throw new Problem('workspace-not-found')
      if (current.kind === 'found' && !current.ready) throw notRunningForFiles(current.state)
    }
    return unwrapFileResult(result)
  }
}

/** Aborted when nobody waits for it any more, or it takes too long. */
export function operationSignal(reply: FastifyReply): AbortSignal {
  return AbortSignal.any([disconnectSignal(reply), AbortSignal.timeout(operationTimeoutMs)])
}
