import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { WorkspaceFiles } from '../../../runtime/files/workspace-files.ts'
import {
  fileAcknowledgementSchema,
  fileEntryResponseSchema,
  makeDirectoryBodySchema,
  moveFileBodySchema,
  filePathQuerySchema,
  removeFileQuerySchema,
} from '../../../wire/runtime/file.ts'
import { fileProblemCodes, presentFileEntry, unwrapFileResult } from '../../presenters/file.ts'
import { closeOnShutdown, disconnectSignal, outgoingBody } from '../../server/body-streams.ts'
import type { ResponseContent } from '../../server/openapi.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { workspaceIdParam } from './workspace-id-param.ts'

const bytesType = 'application/octet-stream'
const tarType = 'application/x-tar'
const doneResponse = { message: 'Done' } as const

const tags = ['files']
const params = z.object({ id: z.string() })
const commonProblemCodes = ['invalid', 'unauthenticated', 'workspace-not-found', ...fileProblemCodes] as const
const bodyProblemCodes = ['malformed-json', 'body-too-large', 'unsupported-media-type'] as const
const creationProblemCodes = [...commonProblemCodes, ...bodyProblemCodes, 'file-exists', 'no-space'] as const

const readSchema = {
  tags,
  summary: 'Read a file',
  description: 'The connection is broken if the file cannot be read to its end.',
  params,
  querystring: filePathQuerySchema,
  response: responseSchemas(binaryContent(bytesType, "The file's bytes."), ...commonProblemCodes),
}

const removeSchema = {
  tags,
  summary: 'Remove a file, a link or a directory',
  params,
  querystring: removeFileQuerySchema,
  response: responseSchemas(fileAcknowledgementSchema, ...commonProblemCodes, 'directory-not-empty'),
}

const statSchema = {
  tags,
  summary: 'Describe a file',
  description: 'For a link, the link itself.',
  params,
  querystring: filePathQuerySchema,
  response: responseSchemas(fileEntryResponseSchema, ...commonProblemCodes),
}

const listSchema = {
  tags,
  summary: 'List a directory, by name',
  params,
  querystring: filePathQuerySchema,
  response: responseSchemas(z.array(fileEntryResponseSchema), ...commonProblemCodes),
}

const makeDirectorySchema = {
  tags,
  summary: 'Create a directory',
  description: 'And those above it. A directory that exists is success.',
  params,
  body: makeDirectoryBodySchema,
  response: responseSchemas(fileAcknowledgementSchema, ...creationProblemCodes),
}

const moveSchema = {
  tags,
  summary: 'Move a file or directory',
  description: 'A file at the new path is replaced.',
  params,
  body: moveFileBodySchema,
  response: responseSchemas(fileAcknowledgementSchema, ...creationProblemCodes),
}

const packSchema = {
  tags,
  summary: 'Read a directory, or a file, as a tar stream',
  description: 'The connection is broken if the directory cannot be read to its end.',
  params,
  querystring: filePathQuerySchema,
  response: responseSchemas(
    binaryContent(tarType, 'The content of the directory, or the file.'),
    ...commonProblemCodes,
  ),
}

export function fileRoutes(
  files: WorkspaceFiles,
  shutdownSignal: AbortSignal,
  idleTimeoutMs: number,
): FastifyPluginAsyncZod {
  function sendStream({ method }: FastifyRequest, reply: FastifyReply, type: string, stream: Readable) {
    void reply.type(type).header('content-disposition', 'attachment')
    if (method === 'HEAD') {
      stream.destroy()
      return reply.send(Readable.from([])) // without a body the framework would set a content length of 0
    }
    closeOnShutdown(reply, shutdownSignal)
    return reply.send(stream)
  }

  return async (app) => {
    app.get('/workspaces/:id/files', { schema: readSchema }, async (request, reply) => {
      const id = workspaceIdParam(request.params)
      const result = await files.read(id, request.caller, request.query.path, disconnectSignal(reply))
      const { entry, bytes } = unwrapFileResult(result)
      void reply.header('content-length', entry.bytes)
      return sendStream(request, reply, bytesType, outgoingBody(bytes, reply, idleTimeoutMs, entry.bytes))
    })

    app.delete('/workspaces/:id/files', { schema: removeSchema }, async (request, reply) => {
      const { path, recursive } = request.query
      const options = { path, recursive: recursive === 'true' }
      const id = workspaceIdParam(request.params)
      unwrapFileResult(await files.remove(id, request.caller, options, disconnectSignal(reply)))
      return doneResponse
    })

    app.get('/workspaces/:id/files/stat', { schema: statSchema }, async (request, reply) => {
      const id = workspaceIdParam(request.params)
      const result = await files.stat(id, request.caller, request.query.path, disconnectSignal(reply))
      return presentFileEntry(unwrapFileResult(result))
    })

    app.get('/workspaces/:id/files/list', { schema: listSchema }, async (request, reply) => {
      const id = workspaceIdParam(request.params)
      const result = await files.list(id, request.caller, request.query.path, disconnectSignal(reply))
      return unwrapFileResult(result).map(presentFileEntry)
    })

    app.post('/workspaces/:id/files/directory', { schema: makeDirectorySchema }, async (request, reply) => {
      const id = workspaceIdParam(request.params)
      unwrapFileResult(await files.makeDirectory(id, request.caller, request.body.path, disconnectSignal(reply)))
      return doneResponse
    })

    app.post('/workspaces/:id/files/move', { schema: moveSchema }, async (request, reply) => {
      const id = workspaceIdParam(request.params)
      unwrapFileResult(await files.move(id, request.caller, request.body, disconnectSignal(reply)))
      return doneResponse
    })

    app.get('/workspaces/:id/files/tree', { schema: packSchema }, async (request, reply) => {
      const id = workspaceIdParam(request.params)
      const result = await files.pack(id, request.caller, request.query.path, disconnectSignal(reply))
      return sendStream(request, reply, tarType, outgoingBody(unwrapFileResult(result), reply, idleTimeoutMs))
    })
  }
}

function binaryContent(type: string, description: string): ResponseContent {
  return { description, content: { [type]: { schema: z.string().meta({ format: 'binary' }) } } }
}
