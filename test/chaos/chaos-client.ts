import { z } from 'zod'
import { workspaceSchema } from '../../src/wire/workspace.ts'
import type { ChaosRequest, ObservedResponse } from './observed-response.ts'
import type { SeededRandom } from '../seeded-random.ts'

/** From this many workspaces on, a user deletes more often than creates. */
const maxWorkspaces = 5

/** A user who sends requests one after the other and records the responses. */
export interface ChaosClient {
  readonly user: string
  /** Sends `count` requests to the service at `url`. Stops at the first one without a response. */
  sendRequests(url: string, count: number): Promise<void>
}

export function chaosClient(
  user: string,
  chance: SeededRandom,
  record: (response: ObservedResponse) => void,
): ChaosClient {
  const ownIds: string[] = []
  /** A create without a response, which a careful client retries unchanged. */
  let unansweredCreate: ChaosRequest | undefined
  let createdCount = 0

  function nextRequest(): ChaosRequest {
    if (unansweredCreate) return unansweredCreate
    const roll = chance.next()
    const id = ownIds.length > 0 ? ownIds[chance.integer(0, ownIds.length - 1)] : undefined
    if (id === undefined || (roll < 0.3 && ownIds.length < maxWorkspaces)) return create()
    if (roll < 0.3 || (roll < 0.4 && ownIds.length >= maxWorkspaces)) return { verb: 'delete', id }
    if (roll < 0.46) return { verb: 'delete', id }
    if (roll < 0.58) return { verb: 'stop', id }
    if (roll < 0.7) return { verb: 'start', id }
    if (roll < 0.78) return { verb: 'restart', id }
    if (roll < 0.85) return { verb: 'update', id, ttlSeconds: chance.pick([null, 1, 3600, 86_400 * 30]) }
    if (roll < 0.88) return { verb: 'update', id, name: `${user}-renamed-${(createdCount += 1)}` }
    return roll < 0.94 ? { verb: 'get', id } : { verb: 'list' }
  }

  function create(): ChaosRequest {
    createdCount += 1
    return {
      verb: 'create',
      name: `${user}-${createdCount}`,
      key: chance.chance(0.6) ? `${user}-key-${createdCount}` : null,
      ttlSeconds: chance.pick([null, null, 1, 3600]),
      template: chance.chance(0.1) ? 'broken' : 'base',
    }
  }

  return {
    user,
    async sendRequests(url, count) {
      for (let n = 0; n < count; n += 1) {
        const request = nextRequest()
        const response = await sendRequest(url, user, request)
        record(response)
        if (response.status === 0) {
          if (request.verb === 'create' && request.key !== null) unansweredCreate = request
          return
        }
        unansweredCreate = undefined
        const [first] = response.workspaces
        if (request.verb === 'create' && response.status === 200 && first && !ownIds.includes(first.id))
          ownIds.push(first.id)
        if ('id' in request && (response.status === 404 || (request.verb === 'delete' && response.status === 200)))
          ownIds.splice(ownIds.indexOf(request.id), 1)
      }
    },
  }
}

const routes = {
  start: ['POST', '/start'],
  stop: ['POST', '/stop'],
  restart: ['POST', '/restart'],
  delete: ['DELETE', ''],
  get: ['GET', ''],
  update: ['PATCH', ''],
} as const

/** Sends one request. The status is 0 if no complete response arrives. */
export async function sendRequest(url: string, user: string, request: ChaosRequest): Promise<ObservedResponse> {
  const [method, path] =
    request.verb === 'create' ? ['POST', ''] : request.verb === 'list' ? ['GET', ''] : routeOf(request.verb, request.id)
  const body = bodyOf(request)
  const sentAt = Date.now()
  const toResponse = (status: number, workspaces: ObservedResponse['workspaces']): ObservedResponse => ({
    user,
    request,
    sentAt,
    receivedAt: Date.now(),
    status,
    workspaces,
  })
  try {
    const response = await fetch(`${url}/api/v1/workspaces${path}`, {
      method,
      headers: {
        'x-user': user,
        connection: 'close', // a kept-alive connection would span restarts of the service
        ...(body && { 'content-type': 'application/json' }),
        ...(request.verb === 'create' && request.key !== null && { 'idempotency-key': request.key }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status !== 200 || request.verb === 'delete') return toResponse(response.status, [])
    const workspaces: unknown = JSON.parse(text)
    return toResponse(
      200,
      request.verb === 'list' ? z.array(workspaceSchema).parse(workspaces) : [workspaceSchema.parse(workspaces)],
    )
  } catch (error) {
    if (error instanceof z.ZodError) throw error
    return toResponse(0, [])
  }
}

function routeOf(verb: keyof typeof routes, id: string): readonly [string, string] {
  const [method, path] = routes[verb]
  return [method, `/${id}${path}`]
}

function bodyOf(request: ChaosRequest): object | undefined {
  if (request.verb === 'create')
    return {
      name: request.name,
      template: request.template,
      ttl_seconds: request.ttlSeconds,
      metadata: { by: request.name },
    }
  if (request.verb !== 'update') return undefined
  return {
    ...(request.name !== undefined && { name: request.name }),
    ...(request.ttlSeconds !== undefined && { ttl_seconds: request.ttlSeconds }),
  }
}
