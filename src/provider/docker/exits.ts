import type { Exit } from '../../workspace/container.ts'
import type { Outcome } from '../../workspace/fault.ts'
import type { Engine } from './engine.ts'
import { field, list, number, text } from './shape.ts'

// How long after an engine's start an end still counts as having come with the engine before it.
const slackMs = 2_000

/**
 * When the engine itself started, in milliseconds since 1970; `null` if it does not tell. It makes its default bridge
 * network anew at each start, and says when that was. The clock is the engine's own, as that of its containers' ends
 * is.
 */
export async function engineStart(engine: Engine, signal: AbortSignal): Promise<Outcome<number | null>> {
  return engine.ask(
    {
      what: 'tell since when it runs',
      withinMs: engine.deadlines.read,
      async run(docker, abortSignal) {
        const networks: unknown = await docker.listNetworks({ filters: { name: ['bridge'] }, abortSignal })
        const bridge = list(networks).find((network) => text(network, 'Name') === 'bridge')
        const started = Date.parse(text(bridge, 'Created') ?? '')
        return Number.isNaN(started) ? null : started
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
export function exitOf(inspected: unknown, engineStartMs: number | null): Exit {
  const code = number(inspected, 'State', 'ExitCode') ?? null
  const started = Date.parse(text(inspected, 'State', 'StartedAt') ?? '')
  const finished = Date.parse(text(inspected, 'State', 'FinishedAt') ?? '')
  return {
    code,
    // The engine sets its flag when anything in the container ran out of memory, a build say, and never takes it back.
    // Only if the main process was killed did the container end of it.
    outOfMemory: field(inspected, 'State', 'OOMKilled') === true && code === 137,
    withEngine: engineStartMs !== null && started <= engineStartMs && finished <= engineStartMs + slackMs,
  }
}
