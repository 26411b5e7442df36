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

/** The rendered statechart of a machine. */
export interface StatechartSource {
  readonly machine: string
  readonly description: string
  /** JSON text. */
  readonly definition: string
  readonly mermaid: string
  /** The diagram, with the state at `path` highlighted if given. */
  svg(path?: string): string
}

export function statechartRoutes(
  supervisor: Supervisor,
  charts: ReadonlyMap<string, StatechartSource>,
): FastifyPluginAsyncZod {
  const workspaceChart = charts.get(workspaceMachine.id)
  if (!workspaceChart) throw new Error('The statechart of workspaces is missing. Run npm run charts.')
  const statecharts = [...charts.values()].map(
    ({ machine, description, definition }): Statechart => ({
      machine,
      description,
      states: leafStates(stateNodeSchema.parse(JSON.parse(definition))),
    }),
  )
  return async (app) => {
    app.get('/statecharts', { schema: listSchema }, async () => statecharts)

    app.get('/statecharts/:machine', { schema: machineSchema }, async (request, reply) => {
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
    })

    app.get('/workspaces/:id/statechart', { schema: workspaceDiagramSchema }, async (request, reply) => {
      const view = supervisor.find(workspaceIdParam(request.params), request.caller)
      if (!view) throw new Problem('workspace-not-found')
      negotiateContentType(request.headers.accept, ['image/svg+xml'])
      const state = view.kind === 'live' ? statePath(view.snapshot.value) : 'failed'
      return sendSvg(reply, workspaceChart.svg(state))
    })
  }
}

const diagram = { schema: z.string().meta({ description: 'The diagram.' }) }
const machineContent: ResponseContent = {
  description: 'The definition, which editors can import, or the diagram.',
  content: {
    'application/json': { schema: statechartDefinitionSchema },
    'image/svg+xml': diagram,
    'text/vnd.mermaid': diagram,
  },
}
const workspaceContent: ResponseContent = {
  description: 'The diagram, with the current state of the workspace highlighted.',
  content: { 'image/svg+xml': diagram },
}

const listSchema = {
  tags: ['statecharts'],
  summary: 'List the machines and their states',
  response: responseSchemas(z.array(statechartSchema), 'unauthenticated'),
}
const machineSchema = {
  tags: ['statecharts'],
  summary: 'Get a statechart',
  description: 'The Accept header selects the definition as JSON, or the diagram as SVG or Mermaid.',
  params: z.object({ machine: z.string() }),
  response: responseSchemas(machineContent, 'unauthenticated', 'statechart-not-found', 'not-acceptable'),
}
const workspaceDiagramSchema = {
  tags: ['statecharts'],
  summary: 'Get the statechart of a workspace as SVG, with its current state highlighted',
  params: z.object({ id: z.string() }),
  response: responseSchemas(workspaceContent, 'unauthenticated', 'workspace-not-found', 'not-acceptable'),
}

/** Opened on its own, an SVG is a page: the policy allows its inline styles and nothing else. */
function sendSvg(reply: FastifyReply, svg: string): FastifyReply {
  return reply
    .type('image/svg+xml; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    .send(svg)
}

interface StateNode {
  readonly states?: Readonly<Record<string, StateNode>> | undefined
}

const stateNodeSchema: z.ZodType<StateNode> = z.object({
  get states() {
    return z.record(z.string(), stateNodeSchema).optional()
  },
})

function leafStates({ states = {} }: StateNode, path: readonly string[] = []): string[] {
  const children = Object.entries(states)
  if (children.length === 0) return [path.join('.')]
  return children.flatMap(([name, child]) => leafStates(child, [...path, name]))
}
