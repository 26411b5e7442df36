import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ActiveExec, EndedExec, Execs } from '../../../runtime/exec/execs.ts'
import type { ReadPosition } from '../../../runtime/exec/output-readers.ts'
import {
  execAcknowledgementSchema,
  execLineSchema,
  execListQuerySchema,
  execOutputQuerySchema,
  execSummarySchema,
  killExecBodySchema,
  startExecBodySchema,
} from '../../../wire/runtime/exec.ts'
import {
  attachProblem,
  presentEndLine,
  presentExecList,
  presentKillResult,
  presentStdinResult,
  toExecRequest,
  unwrapExec,
  unwrapExecStart,
} from '../../presenters/exec.ts'
import { Problem } from '../../presenters/problem.ts'
import { registerStreamBodyParser, requestBodyStream } from '../../server/body-parser.ts'
import type { ResponseContent } from '../../server/openapi.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { ndjsonType, streamExecOutput } from './exec-output-stream.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

const defaultListLimit = 100

const outputContent: ResponseContent = {
  description:
    'A line for each chunk of output, and a last line that says how the command ended; without that line the output is incomplete. An empty line is a heartbeat.',
  content: { [ndjsonType]: { schema: execLineSchema } },
}
const workspaceParams = z.object({ id: z.string() })
const execParams = z.object({ id: z.string(), exec_id: z.string() })
const lookupProblemCodes = ['unauthenticated', 'workspace-not-found', 'not-read'] as const

const startSchema = {
  tags: ['exec'],
  summary: 'Run a command',
  description:
    'Answers as soon as the command has started; `x-exec-id` names it. The command goes on if the connection is lost. At most 128 commands run in a workspace at a time.',
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
}

const listSchema = {
  tags: ['exec'],
  summary: 'List commands, newest first',
  params: workspaceParams,
  querystring: execListQuerySchema,
  response: responseSchemas(z.array(execSummarySchema), 'invalid', ...lookupProblemCodes),
}

const outputSchema = {
  tags: ['exec'],
  summary: 'Read the output of a command',
  description:
    'Goes on after a line without a gap or a repeat, or begins with the oldest line that is retained: up to 1 MiB of each command, for an hour after its end.',
  params: execParams,
  querystring: execOutputQuerySchema,
  response: responseSchemas(outputContent, 'invalid', ...lookupProblemCodes, 'exec-not-found', 'output-gone'),
}

const killSchema = {
  tags: ['exec'],
  summary: 'Send a signal to all processes of a command',
  description:
    'A command that has already ended is not an error. Leftover processes of a lost command are killed, whatever the signal.',
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
}

const stdinSchema = {
  tags: ['exec'],
  summary: 'Send the input of a command',
  description:
    'For a command that was started with `"stdin": "stream"`, once: the body, of any type and length, is its input, and the end of the body is the end of the input. A body that is cut off kills the command.',
  params: execParams,
  response: responseSchemas(
    execAcknowledgementSchema,
    ...lookupProblemCodes,
    'exec-not-found',
    'stdin-not-open',
    'unsupported-media-type',
  ),
}

export function execRoutes(execs: Execs, shutdownSignal: AbortSignal): FastifyPluginAsyncZod {
  function sendOutput(reply: FastifyReply, exec: ActiveExec | EndedExec, position: ReadPosition) {
    void reply.header('x-exec-id', exec.execId)
    if (exec.kind === 'ended') return reply.type(ndjsonType).send(presentEndLine(exec, position.after))
    const rejection = streamExecOutput(reply, shutdownSignal, (wake) => exec.session.attach(position, wake))
    if (rejection) throw attachProblem(rejection)
    return reply
  }

  const stdinRoute: FastifyPluginAsyncZod = async (app) => {
    registerStreamBodyParser(app)
    app.put('/workspaces/:id/exec/:exec_id/stdin', { schema: stdinSchema }, async (request) => {
      const { caller, params } = request
      const exec = unwrapExec(await execs.find(workspaceIdParam(params), caller, params.exec_id))
      if (exec.kind === 'ended') throw new Problem('stdin-not-open')
      return presentStdinResult(await exec.session.pipeStdin(requestBodyStream(request)))
    })
  }

  return async (app) => {
    app.post('/workspaces/:id/exec', { schema: startSchema }, async ({ body, caller, params }, reply) => {
      const result = await execs.start(workspaceIdParam(params), caller, toExecRequest(body))
      return sendOutput(reply, unwrapExecStart(result), { after: null, follow: true })
    })

    app.get('/workspaces/:id/exec', { schema: listSchema }, async ({ caller, params, query }) =>
      presentExecList(execs.list(workspaceIdParam(params), caller, query.limit ?? defaultListLimit)),
    )

    app.get(
      '/workspaces/:id/exec/:exec_id',
      { schema: outputSchema },
      async ({ caller, method, params, query }, reply) => {
        const exec = unwrapExec(await execs.find(workspaceIdParam(params), caller, params.exec_id))
        if (method === 'HEAD') return reply.type(ndjsonType).send()
        const { after = null, follow } = query
        return sendOutput(reply, exec, { after, follow: follow === 'true' })
      },
    )

    app.post('/workspaces/:id/exec/:exec_id/kill', { schema: killSchema }, async ({ body, caller, params }) => {
      const signal = body?.signal ?? 'SIGTERM'
      return presentKillResult(await execs.kill(workspaceIdParam(params), caller, params.exec_id, signal), signal)
    })

    await app.register(stdinRoute)
  }
}
