import { z } from 'zod'
import { workspace } from '../../src/wire/workspace.ts'
import type { Asked, Heard } from './heard.ts'
import type { Chance } from '../chance.ts'

/** So many workspaces of one user are enough for a mixed population; with more of them, deletes are likelier than creates. */
const crowd = 5

/** A user who asks for one thing after the other, and writes down what was heard. */
export interface Client {
  readonly user: string
  /** Asks the service at `url` for `count` things, or until it does not answer any more. */
  ask(url: string, count: number): Promise<void>
}

export function client(user: string, chance: Chance, hear: (heard: Heard) => void): Client {
  const mine: string[] = []
  /** A create whose answer did not come: what a careful client does then is to ask the same again. */
  let unsure: Asked | undefined
  let made = 0

  function next(): Asked {
    if (unsure) return unsure
    const dice = chance.luck()
    const id = mine.length > 0 ? mine[chance.between(0, mine.length - 1)] : undefined
    if (id === undefined || (dice < 0.3 && mine.length < crowd)) return create()
    if (dice < 0.3 || (dice < 0.4 && mine.length >= crowd)) return { verb: 'delete', id }
    if (dice < 0.46) return { verb: 'delete', id }
    if (dice < 0.58) return { verb: 'stop', id }
    if (dice < 0.7) return { verb: 'start', id }
    if (dice < 0.78) return { verb: 'restart', id }
    if (dice < 0.85) return { verb: 'amend', id, ttlSeconds: chance.pick([null, 1, 3600, 86_400 * 30]) }
    if (dice < 0.88) return { verb: 'amend', id, name: `${user}-renamed-${(made += 1)}` }
    return dice < 0.94 ? { verb: 'get', id } : { verb: 'list' }
  }

  function create(): Asked {
    made += 1
    return {
      verb: 'create',
      name: `${user}-${made}`,
      key: chance.happens(0.6) ? `${user}-key-${made}` : null,
      ttlSeconds: chance.pick([null, null, 1, 3600]),
      template: chance.happens(0.1) ? 'broken' : 'base',
    }
  }

  return {
    user,
    async ask(url, count) {
      for (let n = 0; n < count; n += 1) {
        const asked = next()
        const heard = await send(url, user, asked)
        hear(heard)
        if (heard.status === 0) {
          if (asked.verb === 'create' && asked.key !== null) unsure = asked
          return
        }
        unsure = undefined
        const [first] = heard.shown
        if (asked.verb === 'create' && heard.status === 200 && first && !mine.includes(first.id)) mine.push(first.id)
        if ('id' in asked && (heard.status === 404 || (asked.verb === 'delete' && heard.status === 200)))
          mine.splice(mine.indexOf(asked.id), 1)
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
  amend: ['PATCH', ''],
} as const

/** One request. What cannot be sent, or is cut off, is heard as status 0. */
export async function send(url: string, user: string, asked: Asked): Promise<Heard> {
  const [method, path] =
    asked.verb === 'create' ? ['POST', ''] : asked.verb === 'list' ? ['GET', ''] : routeOf(asked.verb, asked.id)
  const body = bodyOf(asked)
  const sentAt = Date.now()
  const heard = (status: number, shown: Heard['shown']): Heard => ({
    user,
    asked,
    sentAt,
    heardAt: Date.now(),
    status,
    shown,
  })
  try {
    const answer = await fetch(`${url}/api/v1/workspaces${path}`, {
      method,
      headers: {
        'x-user': user,
        connection: 'close', // a connection that is kept would outlive a service and blur who answered
        ...(body && { 'content-type': 'application/json' }),
        ...(asked.verb === 'create' && asked.key !== null && { 'idempotency-key': asked.key }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (answer.status !== 200 || asked.verb === 'delete') return heard(answer.status, [])
    const shown: unknown = JSON.parse(text)
    return heard(200, asked.verb === 'list' ? z.array(workspace).parse(shown) : [workspace.parse(shown)])
  } catch (error) {
    if (error instanceof z.ZodError) throw error
    return heard(0, [])
  }
}

function routeOf(verb: keyof typeof routes, id: string): readonly [string, string] {
  const [method, path] = routes[verb]
  return [method, `/${id}${path}`]
}

function bodyOf(asked: Asked): object | undefined {
  if (asked.verb === 'create')
    return { name: asked.name, template: asked.template, ttl_seconds: asked.ttlSeconds, metadata: { by: asked.name } }
  if (asked.verb !== 'amend') return undefined
  return {
    ...(asked.name !== undefined && { name: asked.name }),
    ...(asked.ttlSeconds !== undefined && { ttl_seconds: asked.ttlSeconds }),
  }
}
