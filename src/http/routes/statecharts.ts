import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { workspaceMachine } from '../../machines/workspace-machine.ts'
import { statePath } from '../../machines/workspace-view.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { Statechart } from '../../wire/statechart.ts'
import { statechart, statechartDefinition } from '../../wire/statechart.ts'
import { accepted } from '../accept.ts'
import type { Described } from '../openapi.ts'
import { answers } from '../openapi.ts'
import { Problem } from '../problem.ts'
import { idOf } from '../workspace-path.ts'

/** A machine's chart, drawn. */
export interface Charted {
  readonly machine: string
  readonly description: string
  /** The definition as JSON text. */
  readonly definition: string
  readonly mermaid: string
  svg(path?: string): string
}

const drawing = { schema: z.string().meta({ description: 'The diagram.' }) }
const inAnyForm: Described = {
  description: 'The definition, which editors import, or the diagram.',
  content: {
    'application/json': { schema: statechartDefinition },
    'image/svg+xml': drawing,
    'text/vnd.mermaid': drawing,
  },
}
const inState: Described = {
  description: 'The diagram, with the state lit that the workspace is in.',
  content: { 'image/svg+xml': drawing },
}

export function statechartRoutes(supervisor: Supervisor, charts: ReadonlyMap<string, Charted>): FastifyPluginAsyncZod {
  const ownChart = charts.get(workspaceMachine.id)
  if (!ownChart) throw new Error('the statechart of workspaces is not drawn: run npm run charts')
  const list = [...charts.values()].map(
    ({ machine, description, definition }): Statechart => ({
      machine,
      description,
      states: leavesIn(JSON.parse(definition)),
    }),
  )
  return async (app) => {
    app.get(
      '/statecharts',
      {
        schema: {
          tags: ['statecharts'],
          summary: 'List the machines whose statecharts can be had',
          response: answers(z.array(statechart), 'unauthenticated'),
        },
      },
      async () => list,
    )

    app.get(
      '/statecharts/:machine',
      {
        schema: {
          tags: ['statecharts'],
          summary: 'Get a statechart',
          description: 'As its definition, as SVG or as Mermaid: the Accept header says which.',
          params: z.object({ machine: z.string() }),
          response: answers(inAnyForm, 'unauthenticated', 'statechart-not-found', 'not-acceptable'),
        },
      },
      async (request, reply) => {
        const chart = charts.get(request.params.machine)
        if (!chart) throw new Problem('statechart-not-found')
        const type = accepted(request.headers.accept, [
          'application/json',
          'image/svg+xml',
          'text/vnd.mermaid',
          'text/plain',
        ])
        void reply.header('vary', 'accept')
        if (type === 'image/svg+xml') return sendDrawing(reply, chart.svg())
        const isJson = type === 'application/json'
        return reply.type(`${type}; charset=utf-8`).send(isJson ? chart.definition : chart.mermaid)
      },
    )

    app.get(
      '/workspaces/:id/statechart',
      {
        schema: {
          tags: ['statecharts'],
          summary: 'Get the statechart of a workspace as SVG, with the state lit that it is in',
          params: z.object({ id: z.string() }),
          response: answers(inState, 'unauthenticated', 'workspace-not-found', 'not-acceptable'),
        },
      },
      async (request, reply) => {
        const seen = supervisor.look(idOf(request.params), request.asker)
        if (!seen) throw new Problem('workspace-not-found')
        accepted(request.headers.accept, ['image/svg+xml'])
        const state = seen.kind === 'readable' ? statePath(seen.snapshot.value) : 'failed'
        return sendDrawing(reply, ownChart.svg(state))
      },
    )
  }
}

// Opened by itself it is a page, whose style may be its own and which may do nothing else.
function sendDrawing(reply: FastifyReply, svg: string): FastifyReply {
  return reply
    .type('image/svg+xml; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    .send(svg)
}

function leavesIn(definition: unknown, path: readonly string[] = []): string[] {
  const { states = {} } = Object(definition)
  const inner = Object.entries(Object(states))
  if (inner.length === 0) return [path.join('.')]
  return inner.flatMap(([name, state]) => leavesIn(state, [...path, name]))
}
