import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Execs } from '../../../runtime/exec/execs.ts'
import type { ReadPosition } from '../../../runtime/exec/output-readers.ts'
import type { Supervisor } from '../../../supervisor/supervisor.ts'
import {
  execAcknowledgementSchema,
  execLineSchema,
  execListQuerySchema,
  execOutputQuerySchema,
  execSummarySchema,
  killExecBodySchema,
  startExecBodySchema,
} from '../../../wire/runtime/exec.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import { registerStreamBodyParser, requestBodyStream } from '../../server/body-parser.ts'
import { ndjsonType, streamExecOutput } from './exec-output-stream.ts'
import {
  unwrapExecStart,
  presentStdinResult,
  truncatedOutputEndLine,
  notRunningForExec,
  providerFailedProblem,
  presentExec,
  toExecRequest,
} from '../../presenters/exec.ts'
import type { ResponseContent } from '../../server/openapi.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { Problem } from '../../presenters/problem.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

const defaultListLimit = 100

const outputContent: ResponseContent = {
  description:
    'A line for each piece of output, and a last one that says how it ended; without that, it is unfinished. An empty one is a sign of life.',
  content: { [ndjsonType]: { schema: execLineSchema } },
}
const workspaceParams = z.object({ id: z.string() })
const execParams = z.object({ id: z.string(), exec_id: z.string() })
const lookupProblemCodes = ['unauthenticated', 'workspace-not-found', 'not-read'] as const

type WorkspaceScopedRequest = Pick<FastifyRequest, 'caller'> & { readonly params: { readonly id: string } }
type ExecScopedRequest = WorkspaceScopedRequest & { readonly params: { readonly exec_id: string } }
type FoundExec = NonNullable<Awaited<ReturnType<Execs['find']>>>

export function execRoutes(supervisor: Supervisor, execs: Execs, shutdownSignal: AbortSignal): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/workspaces/:id/exec',
      {
        schema: {
          tags: ['exec'],
          summary: 'Run a command',
          description:
            'Answers as soon as it has begun; `x-exec-id` names the run. It goes on if the connection is lost. At most 128 run in a workspace at a time.',
          params: workspaceParams,
          body: startExecBodySchema,
          response: responseSchemas(
            outputContent,
            'invalid',
            'malformed-json',
            'not-runnable',
            ...lookupProblemCodes,
            'refused-in-state',
            'body-too-large',
            'unsupported-media-type',
            'exec-id-reused',
            'too-many-runs',
            'not-written',
            'provider-failed',
          ),
        },
      },
      async (request, reply) => {
        const { reached: resolved } = resolveWorkspace(request)
        if (resolved.kind === 'quarantined' || !resolved.ready)
          throw notRunningForExec(resolved.kind === 'quarantined' ? 'failed' : resolved.state)
        const result = await execs.start(resolved, toExecRequest(request.body), `user:${request.caller.owner}`)
        return sendOutput(reply, unwrapExecStart(result), { after: null, follow: true })
      },
    )

    app.get(
      '/workspaces/:id/exec',
      {
        schema: {
          tags: ['exec'],
          summary: 'List the commands that were run, newest first',
          params: workspaceParams,
          querystring: execListQuerySchema,
          response: responseSchemas(z.array(execSummarySchema), 'invalid', ...lookupProblemCodes),
        },
      },
      async (request) =>
        execs.recent(resolveWorkspace(request).id, request.query.limit ?? defaultListLimit).map(presentExec),
    )

    app.get(
      '/workspaces/:id/exec/:exec_id',
      {
        schema: {
          tags: ['exec'],
          summary: 'Read the output of a run',
          description:
            'Goes on after a line without a gap or a repeat, or begins with the oldest that is kept: of each run up to 1 MiB, for an hour after its end.',
          params: execParams,
          querystring: execOutputQuerySchema,
          response: responseSchemas(outputContent, 'invalid', ...lookupProblemCodes, 'exec-not-found', 'output-gone'),
        },
      },
      async (request, reply) => {
        const exec = await findExec(request)
        if (request.method === 'HEAD') return reply.type(ndjsonType).send()
        const { after = null, follow } = request.query
        return sendOutput(reply, exec, { after, follow: follow === 'true' })
      },
    )

    app.post(
      '/workspaces/:id/exec/:exec_id/kill',
      {
        schema: {
          tags: ['exec'],
          summary: 'Send a signal to all that a run started',
          description:
            'One that has ended already is no error. What is left of a lost one is killed, whatever the signal.',
          params: execParams,
          body: killExecBodySchema.nullish(),
          response: responseSchemas(
            execAcknowledgementSchema,
            'invalid',
            'malformed-json',
            ...lookupProblemCodes,
            'exec-not-found',
            'body-too-large',
            'unsupported-media-type',
            'provider-failed',
          ),
        },
      },
      async (request) => {
        const exec = await findExec(request)
        const signal = request.body?.signal ?? 'SIGTERM'
        if (exec.kind === 'active' && exec.session.hasEnded()) return { message: 'The run has ended already.' }
        if (exec.kind === 'active') {
          const outcome = await exec.session.signal(signal)
          if (!outcome.ok) throw providerFailedProblem(outcome.fault)
          return { message: `${signal} was sent.` }
        }
        const { reached: resolved } = resolveWorkspace(request)
        if (exec.record.error !== 'lost' || resolved.kind !== 'found' || !resolved.ready)
          return { message: 'The run has ended already.' }
        const outcome = await execs.killLeftover(resolved, exec.execId)
        if (!outcome.ok) throw providerFailedProblem(outcome.fault)
        return { message: 'What was left of the run was killed.' }
      },
    )

    const stdinRoute: FastifyPluginAsyncZod = async (scope) => {
      registerStreamBodyParser(scope)
      scope.put(
        '/workspaces/:id/exec/:exec_id/stdin',
        {
          schema: {
            tags: ['exec'],
            summary: 'Give a run its input',
            description:
              'To one that was started with `"stdin": "stream"`, once: the body, of any type and length, is its input, and its end is the end of that. A body that is cut off kills the run.',
            params: execParams,
            response: responseSchemas(
              execAcknowledgementSchema,
              ...lookupProblemCodes,
              'exec-not-found',
              'stdin-not-open',
              'unsupported-media-type',
            ),
          },
        },
        async (request) => {
          const exec = await findExec(request)
          if (exec.kind !== 'active') throw new Problem('stdin-not-open')
          return presentStdinResult(await exec.session.pipeStdin(requestBodyStream(request)))
        },
      )
    }
    await app.register(stdinRoute)

    /** Where a request leads to. To strangers there is nothing (law 11). */
    function resolveWorkspace({ caller, params }: WorkspaceScopedRequest) {
      const id: WorkspaceId = workspaceIdParam(params)
      const resolved = supervisor.resolve(id, caller)
      if (resolved.kind === 'not-found') throw new Problem('workspace-not-found')
      return { id, reached: resolved }
    }

    async function findExec(request: ExecScopedRequest): Promise<FoundExec> {
      const exec = await execs.find(resolveWorkspace(request).id, request.params.exec_id)
      if (!exec) throw new Problem('exec-not-found')
      return exec
    }

    function sendOutput(reply: FastifyReply, exec: FoundExec, position: ReadPosition) {
      void reply.header('x-exec-id', exec.execId)
      if (exec.kind === 'ended') return reply.type(ndjsonType).send(truncatedOutputEndLine(exec.record, position.after))
      const rejection = streamExecOutput(reply, shutdownSignal, (wake) => exec.session.attach(position, wake))
      switch (rejection?.kind) {
        case undefined:
          return reply
        case 'output-gone':
          throw new Problem('output-gone', {
            error: `That part of the output is not kept any more. The oldest line that is kept has the seq ${rejection.oldest}.`,
          })
        case 'no-such-line':
          throw new Problem('invalid', {
            error: `after: the run has no such line yet; its newest has the seq ${rejection.newest}.`,
            details: [{ field: 'after', problem: `must be at most ${rejection.newest}` }],
          })
        default:
          return rejection satisfies never
      }
    }
  }
}
