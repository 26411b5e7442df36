import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { inspect } from 'node:util'
import type Docker from 'dockerode'
import type { Fault } from '../../../workspace/fault.ts'
import type { EngineTimeouts } from './engine-timeouts.ts'
import { withDeadline } from './with-deadline.ts'
import { type EngineResult, engineFault, parseEngineError } from './engine-result.ts'
import type { DockerTarget } from './docker-target.ts'

/** One request: what it does, completing "could not …", and how it is made with the client. */
export interface EngineRequest<T> {
  readonly action: string
  readonly timeoutMs: number
  /** True: it may take long, so it must not hold one of the few sockets that the short ones share. */
  readonly longRunning?: boolean
  run(docker: Docker, signal: AbortSignal): Promise<T>
}

/** The engine as the rest of this folder talks to it. */
export interface Engine {
  readonly target: DockerTarget
  readonly timeouts: EngineTimeouts
  /**
   * Grows each time that the engine could not be reached: what was remembered of it before that may not hold any more.
   */
  epoch(): number
  /** Makes one request. Never rejects, and settles within the request's deadline, or soon after `signal` is aborted. */
  request<T>(request: EngineRequest<T>, signal: AbortSignal): Promise<EngineResult<T>>
  /** Does the engine answer within its ping deadline? No answer is `unavailable`. */
  ping(signal: AbortSignal): Promise<EngineResult<void>>
  /** Lets idle connections go. */
  close(): void
}

/**
 * The client prints its options for a log that nobody reads, at each request and to the last detail: with the agent go all its sockets
 * and all that waits for one, and a hundred requests at once would stop the process for seconds.
 */
function hideFromInspect(agent: HttpAgent): HttpAgent {
  return Object.defineProperty(agent, inspect.custom, { value: () => 'Agent', enumerable: false })
}

/** Speaks to the engine at `target`. Connects, and loads its client, with the first request only. */
export function dockerEngine(target: DockerTarget, timeouts: EngineTimeouts): Engine {
  const Agent = target.at.kind === 'https' ? HttpsAgent : HttpAgent
  const agents = {
    short: hideFromInspect(new Agent({ keepAlive: true, maxSockets: 32 })),
    long: hideFromInspect(new Agent({ keepAlive: false })),
  }
  let clients: Promise<{ short: Docker; long: Docker }> | undefined
  let epoch = 0

  async function loadClients(): Promise<{ short: Docker; long: Docker }> {
    const { default: Client } = await import('dockerode')
    const options = clientOptions(target)
    const withAgent = (agent: HttpAgent): Docker => {
      const optionsWithAgent = { ...options, agent } // the client takes an agent, its declared options do not
      return new Client(optionsWithAgent)
    }
    return { short: withAgent(agents.short), long: withAgent(agents.long) }
  }

  async function attempt<T>(request: EngineRequest<T>, signal: AbortSignal): Promise<EngineResult<T> | 'timed-out'> {
    const outcome = await withDeadline(request.timeoutMs, signal, async (requestSignal) => {
      const { short, long } = await (clients ??= loadClients())
      return request.run(request.longRunning ? long : short, requestSignal)
    })
    if (outcome.kind === 'settled') return { ok: true, value: outcome.value }
    if (outcome.kind === 'timed-out') return 'timed-out'
    if (outcome.kind === 'aborted') return failedResult('transient', `Broken off: ${request.action}.`)
    const engineError = parseEngineError(outcome.error)
    const fault = engineFault(engineError, request.action, target.described)
    if (fault.kind === 'unavailable') epoch += 1
    return { ok: false, status: engineError.status, reason: engineError.reason, fault }
  }

  async function ping(signal: AbortSignal): Promise<EngineResult<void>> {
    // Not in the queue for the few sockets: how long that is says nothing about the engine.
    const result = await attempt(
      { action: 'answer a ping', timeoutMs: timeouts.pingMs, longRunning: true, run: pingEngine },
      signal,
    )
    if (result !== 'timed-out') return result
    epoch += 1
    const message = `The engine at ${target.described} does not answer: no ping came back within ${timeouts.pingMs / 1000} s. Look at its log, or start it again.`
    return failedResult('unavailable', message)
  }

  return {
    target,
    timeouts,
    epoch: () => epoch,
    async request(request, signal) {
      const result = await attempt(request, signal)
      if (result !== 'timed-out') return result
      // Slow or dead? An engine that answers nothing at all is away, and then no try was spent.
      const pingResult = await ping(signal)
      if (!pingResult.ok && pingResult.fault.kind === 'unavailable') return pingResult
      return failedResult('transient', `The engine could not ${request.action} within ${request.timeoutMs / 1000} s.`)
    },
    ping,
    close() {
      agents.short.destroy()
      agents.long.destroy()
    },
  }
}

function failedResult(kind: Fault['kind'], message: string): EngineResult<never> & { ok: false } {
  return { ok: false, status: null, reason: message, fault: { kind, message } }
}

async function pingEngine(docker: Docker, abortSignal: AbortSignal): Promise<void> {
  // The client takes options for a ping, its declaration does not say so.
  const client: { ping(options: { abortSignal: AbortSignal }): Promise<unknown> } = docker
  await client.ping({ abortSignal })
}

/**
 * Every field is named, if only as undefined: the client fills in what is left out from the environment, which is not
 * its to read.
 */
function clientOptions({ at }: DockerTarget): Docker.DockerOptions & { pathPrefix: string | undefined } {
  const unset = {
    host: undefined,
    port: undefined,
    socketPath: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  }
  const defaults = {
    ...unset,
    username: undefined,
    timeout: undefined,
    pathPrefix: undefined,
    protocol: 'http' as const,
  }
  if (at.kind === 'socket') return { ...defaults, socketPath: at.path }
  if (at.kind === 'http') return { ...defaults, host: at.host, port: at.port }
  return { ...defaults, host: at.host, port: at.port, protocol: 'https', ...at.tls }
}
