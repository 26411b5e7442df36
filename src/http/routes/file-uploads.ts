import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { checkArchive } from '../../access/archive.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { fileDone, pathQuery, writeQuery } from '../../wire/file.ts'
import { streamBodies } from '../body.ts'
import type { AskedOfFiles, FilePlace } from '../file-asked.ts'
import { fileAsker } from '../file-asked.ts'
import type { FileAnswer } from '../file-told.ts'
import { fileProblems } from '../file-told.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import type { Incoming } from '../streamed.ts'
import { incoming, leaving } from '../streamed.ts'

const wasDone = { message: 'Done' } as const
const params = z.object({ id: z.string() })
const refusals = [
  'invalid',
  'unauthenticated',
  'workspace-not-found',
  ...fileProblems,
  'unsupported-media-type',
  'request-timeout',
  'file-exists',
  'no-space',
] as const

/** What is sent into a workspace. A body that is cut off changes nothing there. */
export function fileUploadRoutes(supervisor: Supervisor, idleMs: number): FastifyPluginAsyncZod {
  const asked = fileAsker(supervisor)
  return async (app) => {
    streamBodies(app)
    app.put(
      '/workspaces/:id/files',
      {
        schema: {
          tags: ['files'],
          summary: 'Write a file, or append to it',
          description:
            'The body, of any type and length, is its content; its directory has to be there. Until all of it has come the old file stands.',
          params,
          querystring: writeQuery,
          response: answers(fileDone, ...refusals),
        },
      },
      async (request, reply) => {
        const { path, append, mode } = request.query
        const how = { append: append === 'true', mode: mode === undefined ? null : Number.parseInt(mode, 8) }
        const body = incoming(request, reply, idleMs)
        await taken(request, body, ({ inside, subject }) =>
          inside.files.write(subject, path, body.stream, how, leaving(reply)),
        )
        return wasDone
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
          querystring: pathQuery,
          response: answers(fileDone, ...refusals, 'malformed-archive'),
        },
      },
      async (request, reply) => {
        const body = incoming(request, reply, idleMs)
        await taken(request, body, async ({ inside, subject }) => {
          const archive = checkArchive(body.stream)
          const put = await inside.files.unpack(subject, request.query.path, archive.stream, leaving(reply))
          const why = put.ok || body.isLate() ? null : archive.refusal()
          if (why !== null) throw new Problem('malformed-archive', { error: `The archive is refused: ${why}.` })
          return put
        })
        return wasDone
      },
    )

    async function taken(
      request: AskedOfFiles,
      body: Incoming,
      verb: (place: FilePlace) => Promise<FileAnswer<void>>,
    ): Promise<void> {
      try {
        await asked(request, verb)
      } catch (error) {
        if (body.isLate()) throw new Problem('request-timeout', { error: 'Nothing of the body came for a minute.' })
        throw error
      } finally {
        body.stream.destroy()
      }
    }
  }
}
