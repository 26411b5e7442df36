import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { workspaceMachine } from '../../machines/workspace-machine.ts'
import { statePath } from '../../machines/workspace-snapshot.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { Statechart } from '../../wire/statechart.ts'
import { statechartSchema, statechartDefinitionSchema } from '../../wire/statechart.ts'
import { negotiateContentType } from '../server/accept-header.ts'
import type { ResponseContent } from '../server/openapi.ts'
import { responseSchemas } from '../server/openapi.ts'
import { Problem } from '../presenters/problem.ts'
import { workspaceIdParam } from './workspace/workspace-id-param.ts'

/** A machine's chart, drawn. */
export interface StatechartSource {
  readonly machine: string
  readonly description: string
  /** The definition as JSON text. */
  readonly definition: string
  readonly mermaid: string
  svg(path?: string): string
}

const diagram = { schema: z.string().meta({ description: 'The diagram.' }) }
const statechartContent: ResponseContent = {
  description: 'The definition, which editors import, or the diagram.',
  content: {
    'application/json': { schema: statechartDefinitionSchema },
    'image/svg+xml': diagram,
    'text/vnd.mermaid': diagram,
  },
}
const workspaceStatechartContent: ResponseContent = {
  description: 'The diagram, with the state lit that the workspace is in.',
  content: { 'image/svg+xml': diagram },
}

export function statechartRoutes(
  supervisor: Supervisor,
  charts: ReadonlyMap<string, StatechartSource>,
): FastifyPluginAsyncZod {
  const workspaceChart = charts.get(workspaceMachine.id)
  if (!workspaceChart) throw new Error('the statechart of workspaces is not drawn: run npm run charts')
  const statecharts = [...charts.values()].map(
    ({ machine, description, definition }): Statechart => ({
      machine,
      description,
      states: leafStates(JSON.parse(definition)),
    }),
  )
  return async (app) => {
    app.get(
      '/statecharts',
      {
        schema: {
          tags: ['statecharts'],
          summary: 'List the machines whose statecharts can be had',
          response: responseSchemas(z.array(statechartSchema), 'unauthenticated'),
        },
      },
      async () => statecharts,
    )

    app.get(
      '/statecharts/:machine',
      {
        schema: {
          tags: ['statecharts'],
          summary: 'Get a statechart',
          description: 'As its definition, as SVG or as Mermaid: the Accept header says which.',
          params: z.object({ machine: z.string() }),
          response: responseSchemas(statechartContent, 'unauthenticated', 'statechart-not-found', 'not-acceptable'),
        },
      },
      async (request, reply) => {
        const chart = charts.get(request.params.machine)
        if (!chart) throw new Problem('statechart-not-found')
        const type = negotiateContentType(request.headers.accept, [
          'application/json',
          'image/svg+xml',
          'text/vnd.mermaid',
          'text/plain',
        ])
        void reply.header('vary', 'accept')
        if (type === 'image/svg+xml') return sendSvg(reply, chart.svg())
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
          response: responseSchemas(
            workspaceStatechartContent,
            'unauthenticated',
            'workspace-not-found',
            'not-acceptable',
          ),
        },
      },
      async (request, reply) => {
        const view = supervisor.find(workspaceIdParam(request.params), request.caller)
        if (!view) throw new Problem('workspace-not-found')
        negotiateContentType(request.headers.accept, ['image/svg+xml'])
        const state = view.kind === 'live' ? statePath(view.snapshot.value) : 'failed'
        return sendSvg(reply, workspaceChart.svg(state))
      },
    )
  }
}

// Opened by itself it is a page, whose style may be its own and which may do nothing else.
function sendSvg(reply: FastifyReply, svg: string): FastifyReply {
  return reply
    .type('image/svg+xml; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    .send(svg)
}

function leafStates(definition: unknown, path: readonly string[] = []): string[] {
  const { states = {} } = Object(definition)
  const inner = Object.entries(Object(states))
  if (inner.length === 0) return [path.join('.')]
  return inner.flatMap(([name, state]) => leafStates(state, [...path, name]))
}
