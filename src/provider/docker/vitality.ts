import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { Engine } from './engine.ts'
import { type Belonging, lookAtOwn } from './look.ts'
import { outputTail } from './output.ts'
import { field, list, number, text } from './shape.ts'

/**
 * Does the container `id` run? `busy`: commands that were started in it are running. Not running is `later`, with the
 * exit code and the last lines that it wrote; not there is `gone`.
 */
export async function vitality(
  engine: Engine,
  belonging: Belonging,
  id: string,
  signal: AbortSignal,
): Promise<Outcome<{ busy: boolean }>> {
  const looked = await lookAtOwn(engine, belonging, id, signal)
  if (!looked.ok) return looked
  if (field(looked.value, 'State', 'Running') === true) return done({ busy: list(looked.value, 'ExecIDs').length > 0 })
  const code = number(looked.value, 'State', 'ExitCode')
  const memory = field(looked.value, 'State', 'OOMKilled') === true && code === 137 ? ', out of memory' : ''
  const how =
    text(looked.value, 'State', 'Status') === 'created' ? 'was not started' : `ended with exit code ${code}${memory}`
  const lines = await lastLines(engine, id, signal)
  return fault('later', `The container ${how}. ${lines === '' ? 'It wrote nothing.' : `Its last lines:\n${lines}`}`)
}

async function lastLines(engine: Engine, id: string, signal: AbortSignal): Promise<string> {
  const answer = await engine.ask(
    {
      what: "read the container's last lines",
      withinMs: engine.deadlines.read,
      run: (docker, abortSignal) => docker.getContainer(id).logs({ stdout: true, stderr: true, tail: 20, abortSignal }),
    },
    signal,
  )
  const output = outputTail()
  // A courtesy to whoever reads the fault: that the container ended is said with or without it.
  if (answer.ok && Buffer.isBuffer(answer.value)) output.hear(answer.value)
  return output.tail()
}
