import type { ContainerExit } from '../../../workspace/container.ts'
import type { Outcome } from '../../../workspace/fault.ts'
import type { Engine } from '../engine/engine.ts'
import { jsonField, arrayField, numberField, stringField } from '../engine/json-fields.ts'

// An exit dated up to this long after the engine's start still counts as caused by the previous engine's end.
const toleranceMs = 2_000

/**
 * When the engine started, in milliseconds since the epoch; `null` if unknown. The engine recreates its default bridge
 * network at each start, so the network's creation time is used. It is on the same clock as container exit times.
 */
export async function engineStartTime(engine: Engine, signal: AbortSignal): Promise<Outcome<number | null>> {
  return engine.request(
    {
      action: 'report its start time',
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
 * Reads why a container exited from the result of an inspect. It went down with the engine if it exited before the
 * current engine started. A killed engine discovers the exits when it is back and dates them then, hence the tolerance.
 * A container started by the current engine cannot have gone down with the previous one.
 */
export function parseContainerExit(inspection: unknown, engineStartMs: number | null): ContainerExit {
  const code = numberField(inspection, 'State', 'ExitCode') ?? null
  const startedAt = Date.parse(stringField(inspection, 'State', 'StartedAt') ?? '')
  const finishedAt = Date.parse(stringField(inspection, 'State', 'FinishedAt') ?? '')
  return {
    code,
    // The engine sets the flag when any process in the container runs out of memory, such as a build, and never clears
    // it. Only if the main process was killed did the container exit because of it.
    outOfMemory: jsonField(inspection, 'State', 'OOMKilled') === true && code === 137,
    wentDownWithEngine:
      engineStartMs !== null && startedAt <= engineStartMs && finishedAt <= engineStartMs + toleranceMs,
  }
}
