import type Docker from 'dockerode'
import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { ResourceLimits } from '../../../workspace/spec.ts'
import type { Engine } from './engine.ts'
import { numberField } from './json-fields.ts'

/** What the engine's machine has. */
export interface EngineCapacity {
  readonly cpus: number
  readonly memoryBytes: number
}

/** Asks what the engine has, once for each connection: a create must not wait for it every time. */
export function engineCapacityReader(engine: Engine): (signal: AbortSignal) => Promise<Outcome<EngineCapacity>> {
  let cached: { epoch: number; capacity: EngineCapacity } | undefined
  return async (signal) => {
    if (cached?.epoch === engine.epoch()) return ok(cached.capacity)
    const epoch = engine.epoch()
    const result = await engine.request(
      { action: 'tell what it has', timeoutMs: engine.timeouts.readMs, run: fetchCapacity },
      signal,
    )
    if (result.ok) cached = { epoch, capacity: result.value }
    return result
  }
}

async function fetchCapacity(docker: Docker, abortSignal: AbortSignal): Promise<EngineCapacity> {
  // The client takes options here, its declaration does not say so.
  const client: { info(options: { abortSignal: AbortSignal }): Promise<unknown> } = docker
  const info = await client.info({ abortSignal })
  // An engine that does not say refuses by itself what is too much.
  return { cpus: numberField(info, 'NCPU') || Infinity, memoryBytes: numberField(info, 'MemTotal') || Infinity }
}

/** `limits`, cut to what there is: the engine refuses more processors than it has, and more memory protects nothing. */
export function clampToCapacity(limits: ResourceLimits, { cpus, memoryBytes }: EngineCapacity): ResourceLimits {
  return {
    cpus: Math.min(limits.cpus, cpus),
    memoryBytes: Math.min(limits.memoryBytes, memoryBytes),
    pids: limits.pids,
  }
}
