import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { validateArchive } from '../../../runtime/files/archive.ts'
import type { Supervisor } from '../../../supervisor/supervisor.ts'
import { fileAcknowledgementSchema, filePathQuerySchema, writeFileQuerySchema } from '../../../wire/runtime/file.ts'
import { registerStreamBodyParser } from '../../server/body-parser.ts'
import type { FileRequest, FileTarget } from './file-operation.ts'
import { fileOperationRunner } from './file-operation.ts'
import type { FileResult } from '../../presenters/file.ts'
import { fileProblemCodes } from '../../presenters/file.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { Problem } from '../../presenters/problem.ts'
import type { IncomingBody } from '../../server/body-streams.ts'
import { incomingBody, disconnectSignal } from '../../server/body-streams.ts'

const doneResponse = { message: 'Done' } as const
const params = z.object({ id: z.string() })
const uploadProblemCodes = [
  'invalid',
  'unauthenticated',
  'workspace-not-found',
  ...fileProblemCodes,
  'unsupported-media-type',
  'request-timeout',
  'file-exists',
  'no-space',
] as const

/** What is sent into a workspace. A body that is cut off changes nothing there. */
export function fileUploadRoutes(supervisor: Supervisor, idleTimeoutMs: number): FastifyPluginAsyncZod {
  const runFileOperation = fileOperationRunner(supervisor)
  return async (app) => {
    registerStreamBodyParser(app)
    app.put(
      '/workspaces/:id/files',
      {
        schema: {
          tags: ['files'],
          summary: 'Write a file, or append to it',
          description:
            'The body, of any type and length, is its content; its directory has to be there. Until all of it has come the old file stands.',
          params,
          querystring: writeFileQuerySchema,
          response: responseSchemas(fileAcknowledgementSchema, ...uploadProblemCodes),
        },
      },
      async (request, reply) => {
        const { path, append, mode } = request.query
        const options = { append: append === 'true', mode: mode === undefined ? null : Number.parseInt(mode, 8) }
        const body = incomingBody(request, reply, idleTimeoutMs)
        await upload(request, body, ({ guest, workspace }) =>
          guest.files.write(workspace, path, body.stream, options, disconnectSignal(reply)),
        )
        return doneResponse
      },
    )

    app.put(
      '/workspaces/:id/files/tree',
      {
        schema: {
          tags: ['files'],
          summary: 'Put what is in a tar stream into a directory',
          description:
            'The body is a tar that is not compressed. The directory is made if it is not there, and files that are there are replaced. Nothing is put in place before all of it has come.',
          params,
          querystring: filePathQuerySchema,
          response: responseSchemas(fileAcknowledgementSchema, ...uploadProblemCodes, 'malformed-archive'),
        },
      },
      async (request, reply) => {
        const body = incomingBody(request, reply, idleTimeoutMs)
        await upload(request, body, async ({ guest, workspace }) => {
          const archive = validateArchive(body.stream)
          const result = await guest.files.unpack(
            workspace,
            request.query.path,
            archive.stream,
            disconnectSignal(reply),
          )
          const reason = result.ok || body.hasTimedOut() ? null : archive.rejectionReason()
          if (reason !== null) throw new Problem('malformed-archive', { error: `The archive is refused: ${reason}.` })
          return result
        })
        return doneResponse
      },
    )

    async function upload(
      request: FileRequest,
      body: IncomingBody,
      operation: (target: FileTarget) => Promise<FileResult<void>>,
    ): Promise<void> {
      try {
        await runFileOperation(request, operation)
      } catch (error) {
        if (body.hasTimedOut())
          throw new Problem('request-timeout', { error: 'Nothing of the body came for a minute.' })
        throw error
      } finally {
        body.stream.destroy()
      }
    }
  }
}
