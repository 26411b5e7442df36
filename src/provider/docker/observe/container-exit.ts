import type { ContainerExit } from '../../../workspace/container.ts'
import type { Outcome } from '../../../workspace/fault.ts'
import type { Engine } from '../engine/engine.ts'
import { jsonField, arrayField, numberField, stringField } from '../engine/json-fields.ts'

// How long after an engine's start an end still counts as having come with the engine before it.
const toleranceMs = 2_000

/**
 * When the engine itself started, in milliseconds since 1970; `null` if it does not tell. It makes its default bridge
 * network anew at each start, and says when that was. The clock is the engine's own, as that of its containers' ends
 * is.
 */
export async function engineStartTime(engine: Engine, signal: AbortSignal): Promise<Outcome<number | null>> {
  return engine.request(
    {
      action: 'tell since when it runs',
      timeoutMs: engine.timeouts.readMs,
      async run(docker, abortSignal) {
        const networks: unknown = await docker.listNetworks({ filters: { name: ['bridge'] }, abortSignal })
        const bridge = arrayField(networks).find((network) => stringField(network, 'Name') === 'bridge')
        const startedAt = Date.parse(stringField(bridge, 'Created') ?? '')
        return Number.isNaN(startedAt) ? null : startedAt
      },
    },
    signal,
  )
}

/**
 * Why a container ended, from what an inspect says of it. It went down with its engine if it ended before that engine
 * started: an engine that is killed finds its containers' ends when it comes back, and dates them then, hence the
 * slack. What was started by this engine cannot have gone down with the one before it.
 */
export function parseContainerExit(info: unknown, engineStartMs: number | null): ContainerExit {
  const code = numberField(info, 'State', 'ExitCode') ?? null
  const startedAt = Date.parse(stringField(info, 'State', 'StartedAt') ?? '')
  const finishedAt = Date.parse(stringField(info, 'State', 'FinishedAt') ?? '')
  return {
    code,
    // The engine sets its flag when anything in the container ran out of memory, a build say, and never takes it back.
    // Only if the main process was killed did the container end of it.
    outOfMemory: jsonField(info, 'State', 'OOMKilled') === true && code === 137,
    wentDownWithEngine:
      engineStartMs !== null && startedAt <= engineStartMs && finishedAt <= engineStartMs + toleranceMs,
  }
}
