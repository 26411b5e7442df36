import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { fileDone, fileEntry, makeDirectory, moveFile, pathQuery, removeQuery } from '../../wire/file.ts'
import { fileAsker, soon } from '../file-asked.ts'
import { entryView, fileProblems } from '../file-told.ts'
import type { Described } from '../openapi.ts'
import { answers } from '../openapi.ts'
import { cutAtTheEnd, leaving, outgoing } from '../streamed.ts'

const bytesType = 'application/octet-stream'
const tarType = 'application/x-tar'
const wasDone = { message: 'Done' } as const

const tags = ['files']
const params = z.object({ id: z.string() })
const always = ['invalid', 'unauthenticated', 'workspace-not-found', ...fileProblems] as const
const withBody = ['malformed-json', 'body-too-large', 'unsupported-media-type'] as const

export function fileRoutes(supervisor: Supervisor, ending: AbortSignal, idleMs: number): FastifyPluginAsyncZod {
  const asked = fileAsker(supervisor)
  return async (app) => {
    app.get(
      '/workspaces/:id/files',
      {
        schema: {
          tags,
          summary: 'Read a file',
          description: 'A file that cannot be read to its end breaks the connection.',
          params,
          querystring: pathQuery,
          response: answers(streamOf(bytesType, "The file's bytes."), ...always),
        },
      },
      async (request, reply) => {
        const signal = leaving(reply)
        const { entry, bytes } = await asked(request, ({ inside, subject }) =>
          inside.files.read(subject, request.query.path, signal),
        )
        void reply.header('content-length', entry.bytes)
        return send(request, reply, bytesType, outgoing(bytes, reply, idleMs, entry.bytes))
      },
    )

    app.delete(
      '/workspaces/:id/files',
      {
        schema: {
          tags,
          summary: 'Remove a file, a link or a directory',
          params,
          querystring: removeQuery,
          response: answers(fileDone, ...always, 'directory-not-empty'),
        },
      },
      async (request, reply) => {
        const { path, recursive } = request.query
        await asked(request, ({ inside, subject }) =>
          inside.files.remove(subject, path, recursive === 'true', soon(reply)),
        )
        return wasDone
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
          querystring: pathQuery,
          response: answers(fileEntry, ...always),
        },
      },
      async (request, reply) =>
        entryView(
          await asked(request, ({ inside, subject }) => inside.files.stat(subject, request.query.path, soon(reply))),
        ),
    )

    app.get(
      '/workspaces/:id/files/list',
      {
        schema: {
          tags,
          summary: 'What is in a directory, by name',
          params,
          querystring: pathQuery,
          response: answers(z.array(fileEntry), ...always),
        },
      },
      async (request, reply) => {
        const entries = await asked(request, ({ inside, subject }) =>
          inside.files.list(subject, request.query.path, soon(reply)),
        )
        return entries.map(entryView).toSorted((one, other) => (one.name < other.name ? -1 : 1))
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
          body: makeDirectory,
          response: answers(fileDone, ...always, ...withBody, 'file-exists', 'no-space'),
        },
      },
      async (request, reply) => {
        await asked(request, ({ inside, subject }) =>
          inside.files.makeDirectory(subject, request.body.path, soon(reply)),
        )
        return wasDone
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
          body: moveFile,
          response: answers(fileDone, ...always, ...withBody, 'file-exists', 'no-space'),
        },
      },
      async (request, reply) => {
        const { from, to } = request.body
        await asked(request, ({ inside, subject }) => inside.files.move(subject, from, to, soon(reply)))
        return wasDone
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
          querystring: pathQuery,
          response: answers(streamOf(tarType, 'Of a directory what is in it, of a file that file.'), ...always),
        },
      },
      async (request, reply) => {
        const signal = leaving(reply)
        const tar = await asked(request, ({ inside, subject }) =>
          inside.files.pack(subject, request.query.path, signal),
        )
        return send(request, reply, tarType, outgoing(tar, reply, idleMs))
      },
    )

    function send(request: FastifyRequest, reply: FastifyReply, type: string, stream: Readable) {
      void reply.type(type).header('content-disposition', 'attachment')
      if (request.method === 'HEAD') {
        stream.destroy()
        return reply.send(Readable.from([])) // without a body the framework would say that the file is empty
      }
      cutAtTheEnd(reply, ending)
      return reply.send(stream)
    }
  }
}

function streamOf(type: string, description: string): Described {
  return { description, content: { [type]: { schema: z.string().meta({ format: 'binary' }) } } }
}
