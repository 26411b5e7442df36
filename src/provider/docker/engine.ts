import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { inspect } from 'node:util'
import type Docker from 'dockerode'
import type { Fault } from '../../workspace/fault.ts'
import type { Deadlines } from './deadlines.ts'
import { race } from './race.ts'
import { type Answer, faultOf, refusalOf } from './refusal.ts'
import type { DockerTarget } from './target.ts'

/** One request: what it does, completing "could not …", and how it is made with the client. */
export interface Request<T> {
  readonly what: string
  readonly withinMs: number
  /** True: it may take long, so it must not hold one of the few sockets that the short ones share. */
  readonly long?: boolean
  run(docker: Docker, signal: AbortSignal): Promise<T>
}

/** The engine as the rest of this folder talks to it. */
export interface Engine {
  readonly target: DockerTarget
  readonly deadlines: Deadlines
  /**
   * Grows each time that the engine could not be reached: what was remembered of it before that may not hold any more.
   */
  epoch(): number
  /** Makes one request. Never rejects, and settles within the request's deadline, or soon after `signal` is aborted. */
  ask<T>(request: Request<T>, signal: AbortSignal): Promise<Answer<T>>
  /** Does the engine answer within its ping deadline? No answer is `away`. */
  ping(signal: AbortSignal): Promise<Answer<void>>
  /** Lets idle connections go. */
  close(): void
}

/**
 * The client prints its options for a log that nobody reads, at each request and to the last detail: with the agent go all its sockets
 * and all that waits for one, and a hundred requests at once would stop the process for seconds.
 */
function opaque(agent: HttpAgent): HttpAgent {
  return Object.defineProperty(agent, inspect.custom, { value: () => 'Agent', enumerable: false })
}

/** Speaks to the engine at `target`. Connects, and loads its client, with the first request only. */
export function engineAt(target: DockerTarget, deadlines: Deadlines): Engine {
  const Agent = target.at.kind === 'https' ? HttpsAgent : HttpAgent
  const agents = {
    short: opaque(new Agent({ keepAlive: true, maxSockets: 32 })),
    long: opaque(new Agent({ keepAlive: false })),
  }
  let clients: Promise<{ short: Docker; long: Docker }> | undefined
  let epoch = 0

  async function load(): Promise<{ short: Docker; long: Docker }> {
    const { default: Client } = await import('dockerode')
    const options = clientOptions(target)
    const withAgent = (agent: HttpAgent): Docker => {
      const all = { ...options, agent } // the client takes an agent, its declared options do not
      return new Client(all)
    }
    return { short: withAgent(agents.short), long: withAgent(agents.long) }
  }

  async function attempt<T>(request: Request<T>, signal: AbortSignal): Promise<Answer<T> | 'overdue'> {
    const ending = await race(request.withinMs, signal, async (inner) => {
      const { short, long } = await (clients ??= load())
      return request.run(request.long ? long : short, inner)
    })
    if (ending.kind === 'answered') return { ok: true, value: ending.value }
    if (ending.kind === 'overdue') return 'overdue'
    if (ending.kind === 'broken-off') return unanswered('later', `Broken off: ${request.what}.`)
    const refusal = refusalOf(ending.error)
    const fault = faultOf(refusal, request.what, target.described)
    if (fault.again === 'away') epoch += 1
    return { ok: false, status: refusal.status, reason: refusal.reason, fault }
  }

  async function ping(signal: AbortSignal): Promise<Answer<void>> {
    // Not in the queue for the few sockets: how long that is says nothing about the engine.
    const answer = await attempt({ what: 'answer a ping', withinMs: deadlines.ping, long: true, run: pinged }, signal)
    if (answer !== 'overdue') return answer
    epoch += 1
    const message = `The engine at ${target.described} does not answer: no ping came back within ${deadlines.ping / 1000} s. Look at its log, or start it again.`
    return unanswered('away', message)
  }

  return {
    target,
    deadlines,
    epoch: () => epoch,
    async ask(request, signal) {
      const answer = await attempt(request, signal)
      if (answer !== 'overdue') return answer
      // Slow or dead? An engine that answers nothing at all is away, and then no try was spent.
      const alive = await ping(signal)
      if (!alive.ok && alive.fault.again === 'away') return alive
      return unanswered('later', `The engine could not ${request.what} within ${request.withinMs / 1000} s.`)
    },
    ping,
    close() {
      agents.short.destroy()
      agents.long.destroy()
    },
  }
}

function unanswered(again: Fault['again'], message: string): Answer<never> & { ok: false } {
  return { ok: false, status: null, reason: message, fault: { again, message } }
}

async function pinged(docker: Docker, abortSignal: AbortSignal): Promise<void> {
  // The client takes options for a ping, its declaration does not say so.
  const client: { ping(options: { abortSignal: AbortSignal }): Promise<unknown> } = docker
  await client.ping({ abortSignal })
}

/**
 * Every field is named, if only as undefined: the client fills in what is left out from the environment, which is not
 * its to read.
 */
function clientOptions({ at }: DockerTarget): Docker.DockerOptions & { pathPrefix: string | undefined } {
  const none = {
    host: undefined,
    port: undefined,
    socketPath: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  }
  const rest = { ...none, username: undefined, timeout: undefined, pathPrefix: undefined, protocol: 'http' as const }
  if (at.kind === 'socket') return { ...rest, socketPath: at.path }
  if (at.kind === 'http') return { ...rest, host: at.host, port: at.port }
  return { ...rest, host: at.host, port: at.port, protocol: 'https', ...at.tls }
}
