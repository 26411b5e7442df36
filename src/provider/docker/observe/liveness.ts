import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { Engine } from '../engine/engine.ts'
import { type ContainerRef, inspectOwnContainer, isRunning } from './inspect.ts'
import { outputTail } from '../../output-tail.ts'
import { demultiplex } from '../engine/demultiplex.ts'
import { jsonField, arrayField, numberField, stringField } from '../engine/json-fields.ts'

/**
 * Checks that a container is running; `busy` if commands started in it are running. If the container is not running,
 * the fault is `transient` with its exit code and last lines of output; if it does not exist, `missing`.
 */
export async function containerLiveness(
  engine: Engine,
  container: ContainerRef,
  signal: AbortSignal,
): Promise<Outcome<{ busy: boolean }>> {
  const inspection = await inspectOwnContainer(engine, container, signal)
  if (!inspection.ok) return inspection
  if (isRunning(inspection.value)) return ok({ busy: arrayField(inspection.value, 'ExecIDs').length > 0 })
  const exitCode = numberField(inspection.value, 'State', 'ExitCode')
  const outOfMemory =
    jsonField(inspection.value, 'State', 'OOMKilled') === true && exitCode === 137 ? ', out of memory' : ''
  const status =
    stringField(inspection.value, 'State', 'Status') === 'created'
      ? 'has not been started'
      : `exited (exit code ${exitCode}${outOfMemory})`
  const lines = await readLastLines(engine, container.containerId, signal)
  return fault(
    'transient',
    `The container ${status}. ${lines === '' ? 'It produced no output.' : `Last lines of its output:\n${lines}`}`,
  )
}

async function readLastLines(engine: Engine, containerId: string, signal: AbortSignal): Promise<string> {
  const result = await engine.request(
    {
      action: "read the container's log",
      timeoutMs: engine.timeouts.readMs,
      run: (docker, abortSignal) =>
        docker.getContainer(containerId).logs({ stdout: true, stderr: true, tail: 20, abortSignal }),
    },
    signal,
  )
  const output = outputTail()
  // Best effort: the fault is reported with or without the log.
  if (result.ok && Buffer.isBuffer(result.value))
    demultiplex((stream, bytes) => output.append({ stream, bytes }))(result.value)
  return output.tail()
}
