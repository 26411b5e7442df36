import type Docker from 'dockerode'
import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { ResourceLimits } from '../../../workspace/spec.ts'
import type { Engine } from './engine.ts'
import { numberField } from './json-fields.ts'

/** CPUs and memory of the engine's host. */
export interface EngineCapacity {
  readonly cpus: number
  readonly memoryBytes: number
}

/** Reads the engine's capacity and caches it per connection, so that a create does not wait for it each time. */
export function engineCapacityReader(engine: Engine): (signal: AbortSignal) => Promise<Outcome<EngineCapacity>> {
  let cached: { epoch: number; capacity: EngineCapacity } | undefined
  return async (signal) => {
    if (cached?.epoch === engine.epoch()) return ok(cached.capacity)
    const epoch = engine.epoch()
    const result = await engine.request(
      { action: 'report its capacity', timeoutMs: engine.timeouts.readMs, run: fetchCapacity },
      signal,
    )
    if (result.ok) cached = { epoch, capacity: result.value }
    return result
  }
}

async function fetchCapacity(docker: Docker, abortSignal: AbortSignal): Promise<EngineCapacity> {
  // dockerode accepts options here; its type declaration omits them.
  const client: { info(options: { abortSignal: AbortSignal }): Promise<unknown> } = docker
  const info = await client.info({ abortSignal })
  // An engine that does not report a value enforces its own limit.
  return { cpus: numberField(info, 'NCPU') || Infinity, memoryBytes: numberField(info, 'MemTotal') || Infinity }
}

/** Reduces `limits` to the capacity: the engine rejects more CPUs than it has, and excess memory protects nothing. */
export function clampToCapacity(limits: ResourceLimits, { cpus, memoryBytes }: EngineCapacity): ResourceLimits {
  return {
    cpus: Math.min(limits.cpus, cpus),
    memoryBytes: Math.min(limits.memoryBytes, memoryBytes),
    pids: limits.pids,
  }
}
