import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Supervisor } from '../../../supervisor/supervisor.ts'
import {
  fileAcknowledgementSchema,
  fileEntryResponseSchema,
  makeDirectoryBodySchema,
  moveFileBodySchema,
  filePathQuerySchema,
  removeFileQuerySchema,
} from '../../../wire/runtime/file.ts'
import { fileOperationRunner, operationSignal } from './file-operation.ts'
import { presentFileEntry, fileProblemCodes } from '../../presenters/file.ts'
import type { ResponseContent } from '../../server/openapi.ts'
import { responseSchemas } from '../../server/openapi.ts'
import { closeOnShutdown, disconnectSignal, outgoingBody } from '../../server/body-streams.ts'

const bytesType = 'application/octet-stream'
const tarType = 'application/x-tar'
const doneResponse = { message: 'Done' } as const

const tags = ['files']
const params = z.object({ id: z.string() })
const commonProblemCodes = ['invalid', 'unauthenticated', 'workspace-not-found', ...fileProblemCodes] as const
const bodyProblemCodes = ['malformed-json', 'body-too-large', 'unsupported-media-type'] as const

export function fileRoutes(
  supervisor: Supervisor,
  shutdownSignal: AbortSignal,
  idleTimeoutMs: number,
): FastifyPluginAsyncZod {
  const runFileOperation = fileOperationRunner(supervisor)
  return async (app) => {
    app.get(
      '/workspaces/:id/files',
      {
        schema: {
          tags,
          summary: 'Read a file',
          description: 'A file that cannot be read to its end breaks the connection.',
          params,
          querystring: filePathQuerySchema,
          response: responseSchemas(binaryContent(bytesType, "The file's bytes."), ...commonProblemCodes),
        },
      },
      async (request, reply) => {
        const signal = disconnectSignal(reply)
        const { entry, bytes } = await runFileOperation(request, ({ guest, workspace }) =>
          guest.files.read(workspace, request.query.path, signal),
        )
        void reply.header('content-length', entry.bytes)
        return sendStream(request, reply, bytesType, outgoingBody(bytes, reply, idleTimeoutMs, entry.bytes))
      },
    )

    app.delete(
      '/workspaces/:id/files',
      {
        schema: {
          tags,
          summary: 'Remove a file, a link or a directory',
          params,
          querystring: removeFileQuerySchema,
          response: responseSchemas(fileAcknowledgementSchema, ...commonProblemCodes, 'directory-not-empty'),
        },
      },
      async (request, reply) => {
        const { path, recursive } = request.query
        await runFileOperation(request, ({ guest, workspace }) =>
          guest.files.remove(workspace, path, recursive === 'true', operationSignal(reply)),
        )
        return doneResponse
      },
    )

    app.get(
      '/workspaces/:id/files/stat',
      {
        schema: {
          tags,
          summary: 'What is at a path',
          description: 'Of a link, the link itself.',
          params,
          querystring: filePathQuerySchema,
          response: responseSchemas(fileEntryResponseSchema, ...commonProblemCodes),
        },
      },
      async (request, reply) =>
        presentFileEntry(
          await runFileOperation(request, ({ guest, workspace }) =>
            guest.files.stat(workspace, request.query.path, operationSignal(reply)),
          ),
        ),
    )

    app.get(
      '/workspaces/:id/files/list',
      {
        schema: {
          tags,
          summary: 'What is in a directory, by name',
          params,
          querystring: filePathQuerySchema,
          response: responseSchemas(z.array(fileEntryResponseSchema), ...commonProblemCodes),
        },
      },
      async (request, reply) => {
        const entries = await runFileOperation(request, ({ guest, workspace }) =>
          guest.files.list(workspace, request.query.path, operationSignal(reply)),
        )
        return entries.map(presentFileEntry).toSorted((first, second) => (first.name < second.name ? -1 : 1))
      },
    )

    app.post(
      '/workspaces/:id/files/directory',
      {
        schema: {
          tags,
          summary: 'Make a directory',
          description: 'And those above it. There already is success.',
          params,
          body: makeDirectoryBodySchema,
          response: responseSchemas(
            fileAcknowledgementSchema,
            ...commonProblemCodes,
            ...bodyProblemCodes,
            'file-exists',
            'no-space',
          ),
        },
      },
      async (request, reply) => {
        await runFileOperation(request, ({ guest, workspace }) =>
          guest.files.makeDirectory(workspace, request.body.path, operationSignal(reply)),
        )
        return doneResponse
      },
    )

    app.post(
      '/workspaces/:id/files/move',
      {
        schema: {
          tags,
          summary: 'Move a file or directory',
          description: 'A file that is there is replaced.',
          params,
          body: moveFileBodySchema,
          response: responseSchemas(
            fileAcknowledgementSchema,
            ...commonProblemCodes,
            ...bodyProblemCodes,
            'file-exists',
            'no-space',
          ),
        },
      },
      async (request, reply) => {
        const { from, to } = request.body
        await runFileOperation(request, ({ guest, workspace }) =>
          guest.files.move(workspace, from, to, operationSignal(reply)),
        )
        return doneResponse
      },
    )

    app.get(
      '/workspaces/:id/files/tree',
      {
        schema: {
          tags,
          summary: 'Read a directory, or a file, as a tar stream',
          description: 'One that cannot be read to its end breaks the connection.',
          params,
          querystring: filePathQuerySchema,
          response: responseSchemas(
            binaryContent(tarType, 'Of a directory what is in it, of a file that file.'),
            ...commonProblemCodes,
          ),
        },
      },
      async (request, reply) => {
        const signal = disconnectSignal(reply)
        const tar = await runFileOperation(request, ({ guest, workspace }) =>
          guest.files.pack(workspace, request.query.path, signal),
        )
        return sendStream(request, reply, tarType, outgoingBody(tar, reply, idleTimeoutMs))
      },
    )

    function sendStream(request: FastifyRequest, reply: FastifyReply, type: string, stream: Readable) {
      void reply.type(type).header('content-disposition', 'attachment')
      if (request.method === 'HEAD') {
        stream.destroy()
        return reply.send(Readable.from([])) // without a body the framework would say that the file is empty
      }
      closeOnShutdown(reply, shutdownSignal)
      return reply.send(stream)
    }
  }
}

function binaryContent(type: string, description: string): ResponseContent {
  return { description, content: { [type]: { schema: z.string().meta({ format: 'binary' }) } } }
}
