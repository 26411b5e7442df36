import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { inspect } from 'node:util'
import type Docker from 'dockerode'
import type { Fault } from '../../../workspace/fault.ts'
import type { EngineTimeouts } from './engine-timeouts.ts'
import { withDeadline } from './with-deadline.ts'
import { type EngineResult, engineFault, parseEngineError } from './engine-result.ts'
import type { DockerTarget } from './docker-target.ts'

/** One request to the engine. */
export interface EngineRequest<T> {
  /** Completes "could not …" in messages. */
  readonly action: string
  readonly timeoutMs: number
  /** True for a request that may take long: it must not occupy one of the few sockets that short requests share. */
  readonly longRunning?: boolean
  run(docker: Docker, signal: AbortSignal): Promise<T>
}

/** An engine as one installation uses it. */
export interface Engine {
  /** Only containers and networks labelled with this id are touched (law 8). */
  readonly installation: string
  readonly target: DockerTarget
  readonly timeouts: EngineTimeouts
  /** Increases whenever the engine is unreachable. State cached in an earlier epoch may be stale. */
  epoch(): number
  /** Performs one request. Never rejects; settles within the request's timeout, or soon after `signal` aborts. */
  request<T>(request: EngineRequest<T>, signal: AbortSignal): Promise<EngineResult<T>>
  /** Pings the engine. The fault is `unavailable` if no answer arrives within the ping timeout. */
  ping(signal: AbortSignal): Promise<EngineResult<void>>
  /** Closes idle connections. */
  close(): void
}

/** What an engine handle is built from. */
export type EngineOptions = Pick<Engine, 'installation' | 'target' | 'timeouts'>

/**
 * Creates the handle that binds an engine to one installation. The first request loads the client and connects.
 */
export function dockerEngine({ installation, target, timeouts }: EngineOptions): Engine {
  const Agent = target.endpoint.kind === 'https' ? HttpsAgent : HttpAgent
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
      const optionsWithAgent = { ...options, agent } // dockerode accepts an agent; its type declaration omits it
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
    if (outcome.kind === 'aborted')
      return failedResult('transient', `Aborted before the engine could ${request.action}.`)
    const engineError = parseEngineError(outcome.error)
    const fault = engineFault(engineError, request.action, target.description)
    if (fault.kind === 'unavailable') epoch += 1
    return { ok: false, status: engineError.status, reason: engineError.reason, fault }
  }

  async function ping(signal: AbortSignal): Promise<EngineResult<void>> {
    // Bypasses the queue for the shared sockets, whose length says nothing about the engine.
    const result = await attempt(
      { action: 'answer a ping', timeoutMs: timeouts.pingMs, longRunning: true, run: pingEngine },
      signal,
    )
    if (result !== 'timed-out') return result
    epoch += 1
    const message = `The engine at ${target.description} did not answer a ping within ${timeouts.pingMs / 1000} s. Check its log, or restart it.`
    return failedResult('unavailable', message)
  }

  return {
    installation,
    target,
    timeouts,
    epoch: () => epoch,
    async request(request, signal) {
      const result = await attempt(request, signal)
      if (result !== 'timed-out') return result
      // Slow or dead? If the engine answers nothing at all it is unavailable, which costs the caller no attempt.
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

/**
 * dockerode formats its options for a debug log on each request. Formatting the agent would include all its sockets and
 * queued requests: a hundred concurrent requests would block the process for seconds.
 */
function hideFromInspect(agent: HttpAgent): HttpAgent {
  return Object.defineProperty(agent, inspect.custom, { value: () => 'Agent', enumerable: false })
}

function failedResult(kind: Fault['kind'], message: string): EngineResult<never> & { ok: false } {
  return { ok: false, status: null, reason: message, fault: { kind, message } }
}

async function pingEngine(docker: Docker, abortSignal: AbortSignal): Promise<void> {
  // dockerode accepts options here; its type declaration omits them.
  const client: { ping(options: { abortSignal: AbortSignal }): Promise<unknown> } = docker
  await client.ping({ abortSignal })
}

/** Sets every option, if only to `undefined`: dockerode fills in omitted ones from the environment variables. */
function clientOptions({ endpoint }: DockerTarget): Docker.DockerOptions & { pathPrefix: string | undefined } {
  const defaults = {
    host: undefined,
    port: undefined,
    socketPath: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
    username: undefined,
    timeout: undefined,
    pathPrefix: undefined,
    protocol: 'http' as const,
  }
  if (endpoint.kind === 'socket') return { ...defaults, socketPath: endpoint.path }
  if (endpoint.kind === 'http') return { ...defaults, host: endpoint.host, port: endpoint.port }
  return { ...defaults, host: endpoint.host, port: endpoint.port, protocol: 'https', ...endpoint.tls }
}
