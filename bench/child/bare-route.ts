// A bare Fastify route that sends the given body.
import fastify from 'fastify'
import { z } from 'zod'
import { writeResult, readInput } from './child-io.ts'

const { body } = readInput(z.object({ body: z.string() }))
const app = fastify({ logger: false })
app.get('/api/v1/workspaces/:id', (_request, reply) => reply.type('application/json; charset=utf-8').send(body))
process.once('SIGTERM', () => process.exit())
writeResult({ url: await app.listen({ host: '127.0.0.1', port: 0 }) })
