import type Docker from 'dockerode'
import type { RunEnd } from '../../workspace/run.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { Engine } from './engine.ts'
import { exitCode } from './exit-code.ts'
import { lookAtOwn } from './look.ts'
import { pause } from './race.ts'
import { field } from './shape.ts'

const soonMs = 5
const firstMs = 100
const mostMs = 1_000

/**
 * Follows a command to its end. The engine is asked at growing distances whether it still runs, and at once when its connection is closed: a
 * child in the background may hold the output open after the command has ended, and nobody may be reading it. What the engine does not
 * know any more is `lost`, and so is everything once `left` is aborted.
 */
export async function runEnd(
  engine: Engine,
  installation: string,
  subject: Subject,
  exec: Docker.Exec,
  closed: AbortSignal,
  left: AbortSignal,
): Promise<RunEnd> {
  let wait = firstMs
  let hurried = false
  let silentSince: number | null = null
  for (;;) {
    if (hurried) await pause(wait, left)
    else await pause(wait, left, closed)
    if (left.aborted) return { kind: 'lost', message: 'It was left before it ended.' }
    if (closed.aborted && !hurried) {
      hurried = true
      wait = soonMs
    } else wait = Math.min(wait * 2, mostMs)

    const looked = await exitCode(engine, exec, left)
    if (looked.ok && looked.value !== null) return { kind: 'exited', code: looked.value }
    if (looked.ok) {
      silentSince = null
      // An engine that was killed with the command may hold that it runs for ever.
      if (hurried && wait >= firstMs && !(await alive(engine, installation, subject, left)))
        return lost('The container ended.')
      continue
    }
    silentSince ??= performance.now()
    const { again, message } = looked.fault
    const hopeless = again === 'gone' || again === 'never' || (closed.aborted && again === 'away')
    if (hopeless || performance.now() - silentSince > engine.deadlines.make) return lost(message)
  }
}

function lost(message: string): RunEnd {
  return { kind: 'lost', message }
}

/** False only if it is known that the container does not run. */
async function alive(engine: Engine, installation: string, subject: Subject, signal: AbortSignal): Promise<boolean> {
  const looked = await lookAtOwn(engine, { installation, workspace: subject.id }, subject.containerId ?? '', signal)
  return looked.ok ? field(looked.value, 'State', 'Running') === true : looked.fault.again !== 'gone'
}
