import type Docker from 'dockerode'
import type { Outcome } from '../../workspace/fault.ts'
import type { Engine } from './engine.ts'
import { field, number } from './shape.ts'

/** The exit code of a command in a container; `null` while it runs. */
export function exitCode(engine: Engine, exec: Docker.Exec, signal: AbortSignal): Promise<Outcome<number | null>> {
  return engine.ask(
    {
      what: 'look how a command ended',
      withinMs: engine.deadlines.read,
      run: async (docker, abortSignal) => {
        const info = await docker.getExec(exec.id).inspect({ abortSignal })
        return field(info, 'Running') === true ? null : (number(info, 'ExitCode') ?? null)
      },
    },
    signal,
  )
}
