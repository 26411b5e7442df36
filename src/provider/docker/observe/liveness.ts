import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { Engine } from '../engine/engine.ts'
import { type ContainerOwnership, inspectOwnContainer } from './inspect.ts'
import { outputTail } from '../../output-tail.ts'
import { demultiplex } from '../engine/demultiplex.ts'
import { jsonField, arrayField, numberField, stringField } from '../engine/json-fields.ts'

/**
 * Does the container `id` run? `busy`: commands that were started in it are running. Not running is `transient`, with the
 * exit code and the last lines that it wrote; not there is `missing`.
 */
export async function containerLiveness(
  engine: Engine,
  ownership: ContainerOwnership,
  containerId: string,
  signal: AbortSignal,
): Promise<Outcome<{ busy: boolean }>> {
  const inspection = await inspectOwnContainer(engine, ownership, containerId, signal)
  if (!inspection.ok) return inspection
  if (jsonField(inspection.value, 'State', 'Running') === true)
    return ok({ busy: arrayField(inspection.value, 'ExecIDs').length > 0 })
  const exitCode = numberField(inspection.value, 'State', 'ExitCode')
  const outOfMemory =
    jsonField(inspection.value, 'State', 'OOMKilled') === true && exitCode === 137 ? ', out of memory' : ''
  const status =
    stringField(inspection.value, 'State', 'Status') === 'created'
      ? 'was not started'
      : `ended with exit code ${exitCode}${outOfMemory}`
  const lines = await readLastLines(engine, containerId, signal)
  return fault(
    'transient',
    `The container ${status}. ${lines === '' ? 'It wrote nothing.' : `Its last lines:\n${lines}`}`,
  )
}

async function readLastLines(engine: Engine, containerId: string, signal: AbortSignal): Promise<string> {
  const result = await engine.request(
    {
      action: "read the container's last lines",
      timeoutMs: engine.timeouts.readMs,
      run: (docker, abortSignal) =>
        docker.getContainer(containerId).logs({ stdout: true, stderr: true, tail: 20, abortSignal }),
    },
    signal,
  )
  const output = outputTail()
  // A courtesy to whoever reads the fault: that the container ended is said with or without it.
  if (result.ok && Buffer.isBuffer(result.value))
    demultiplex((stream, bytes) => output.append({ stream, bytes }))(result.value)
  return output.tail()
}
