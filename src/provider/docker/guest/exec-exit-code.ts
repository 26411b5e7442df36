import type Docker from 'dockerode'
import type { Outcome } from '../../../workspace/fault.ts'
import type { Engine } from '../engine/engine.ts'
import { jsonField, numberField } from '../engine/json-fields.ts'

/** The exit code of a command in a container; `null` while it runs. */
export function execExitCode(engine: Engine, exec: Docker.Exec, signal: AbortSignal): Promise<Outcome<number | null>> {
  return engine.request(
    {
      action: 'look how a command ended',
      timeoutMs: engine.timeouts.readMs,
      run: async (docker, abortSignal) => {
        const info = await docker.getExec(exec.id).inspect({ abortSignal })
        return jsonField(info, 'Running') === true ? null : (numberField(info, 'ExitCode') ?? null)
      },
    },
    signal,
  )
}
