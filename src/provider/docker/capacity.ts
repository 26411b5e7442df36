import type Docker from 'dockerode'
import { done, type Outcome } from '../../workspace/fault.ts'
import type { Limits } from '../../workspace/recipe.ts'
import type { Engine } from './engine.ts'
import { number } from './shape.ts'

/** What the engine's machine has. */
export interface Capacity {
  readonly cpus: number
  readonly memoryBytes: number
}

/** Asks what the engine has, once for each connection: a create must not wait for it every time. */
export function capacityOf(engine: Engine): (signal: AbortSignal) => Promise<Outcome<Capacity>> {
  let known: { epoch: number; capacity: Capacity } | undefined
  return async (signal) => {
    if (known?.epoch === engine.epoch()) return done(known.capacity)
    const epoch = engine.epoch()
    const answer = await engine.ask({ what: 'tell what it has', withinMs: engine.deadlines.read, run: asked }, signal)
    if (answer.ok) known = { epoch, capacity: answer.value }
    return answer
  }
}

async function asked(docker: Docker, abortSignal: AbortSignal): Promise<Capacity> {
  // The client takes options here, its declaration does not say so.
  const client: { info(options: { abortSignal: AbortSignal }): Promise<unknown> } = docker
  const info = await client.info({ abortSignal })
  // An engine that does not say refuses by itself what is too much.
  return { cpus: number(info, 'NCPU') || Infinity, memoryBytes: number(info, 'MemTotal') || Infinity }
}

/** `limits`, cut to what there is: the engine refuses more processors than it has, and more memory protects nothing. */
export function cutToCapacity(limits: Limits, { cpus, memoryBytes }: Capacity): Limits {
  return {
    cpus: Math.min(limits.cpus, cpus),
    memoryBytes: Math.min(limits.memoryBytes, memoryBytes),
    pids: limits.pids,
  }
}
