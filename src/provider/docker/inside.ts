import { fault } from '../../workspace/fault.ts'
import type { Inside } from '../inside.ts'
import type { Engine } from './engine.ts'
import { logs } from './logs.ts'
import { run } from './run.ts'
import { endRun } from './run-signal.ts'

/** The inside of `installation`'s containers. */
export function dockerInside(engine: Engine, installation: string): Inside {
  const absent = async () => fault('never', 'This is not built yet.')
  const verbs = ['stat', 'list', 'read', 'write', 'makeDirectory', 'move', 'remove', 'pack', 'unpack'] as const
  const files = Object.fromEntries(verbs.map((verb) => [verb, absent])) as unknown as Inside['files']
  return {
    run: (subject, command, signal) => run(engine, installation, subject, command, signal),
    endRun: (subject, mark, signal) => endRun(engine, installation, subject, mark, signal),
    files,
    logs: (subject, wish, signal) => logs(engine, installation, subject, wish, signal),
  }
}
