import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { FileResult, MalformedArchive, WorkspaceFiles } from '../../../runtime/files/workspace-files.ts'
import { fileAcknowledgementSchema, filePathQuerySchema, writeFileQuerySchema } from '../../../wire/runtime/file.ts'
import { fileProblemCodes, unwrapFileResult } from '../../presenters/file.ts'
import { Problem } from '../../presenters/problem.ts'
import { registerStreamBodyParser } from '../../server/body-parser.ts'
import type { IncomingBody } from '../../server/body-streams.ts'
import { disconnectSignal, incomingBody } from '../../server/body-streams.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

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

const writeSchema = {
  tags: ['files'],
  summary: 'Write a file, or append to it',
  description:
    'The body, of any type and length, is the content; the directory of the file has to exist. The old file stands until all of the body has arrived.',
  params,
  querystring: writeFileQuerySchema,
  response: responseSchemas(fileAcknowledgementSchema, ...uploadProblemCodes),
}

const unpackSchema = {
  tags: ['files'],
  summary: 'Unpack a tar stream into a directory',
  description:
    'The body is an uncompressed tar archive. The directory is created if it is missing, and existing files are replaced. Nothing is put in place before all of the body has arrived.',
  params,
  querystring: filePathQuerySchema,
  response: responseSchemas(fileAcknowledgementSchema, ...uploadProblemCodes, 'malformed-archive'),
}

/** Uploads into a workspace. A body that is cut off changes nothing there. */
export function fileUploadRoutes(files: WorkspaceFiles, idleTimeoutMs: number): FastifyPluginAsyncZod {
  return async (app) => {
    registerStreamBodyParser(app)
    app.put('/workspaces/:id/files', { schema: writeSchema }, async (request, reply) => {
      const { path, append, mode } = request.query
      const options = { path, append: append === 'true', mode: mode === undefined ? null : Number.parseInt(mode, 8) }
      const id = workspaceIdParam(request.params)
      await upload(incomingBody(request, reply, idleTimeoutMs), ({ stream }) =>
        files.write(id, request.caller, { source: stream, ...options }, disconnectSignal(reply)),
      )
      return doneResponse
    })

    app.put('/workspaces/:id/files/tree', { schema: unpackSchema }, async (request, reply) => {
      const { caller, query } = request
      const id = workspaceIdParam(request.params)
      await upload(incomingBody(request, reply, idleTimeoutMs), ({ stream }) =>
        files.unpack(id, caller, { path: query.path, source: stream }, disconnectSignal(reply)),
      )
      return doneResponse
    })
  }
}

async function upload(
  body: IncomingBody,
  operation: (body: IncomingBody) => Promise<FileResult<void> | MalformedArchive>,
): Promise<void> {
  try {
    const result = await operation(body)
    if (result.kind !== 'done' && body.hasTimedOut())
      throw new Problem('request-timeout', { error: 'No part of the body arrived for a minute.' })
    unwrapFileResult(result)
  } finally {
    body.stream.destroy()
  }
}
