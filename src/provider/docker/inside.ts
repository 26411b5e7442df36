import type { Inside } from '../inside.ts'
import type { Engine } from './engine.ts'
import { dockerFiles } from './files.ts'
import { logs } from './logs.ts'
import { run } from './run.ts'
import { endRun } from './run-signal.ts'

/** The inside of `installation`'s containers. */
export function dockerInside(engine: Engine, installation: string): Inside {
  const start: Inside['run'] = (subject, command, signal) => run(engine, installation, subject, command, signal)
  return {
    run: start,
    endRun: (subject, mark, signal) => endRun(engine, installation, subject, mark, signal),
    files: dockerFiles(start),
    logs: (subject, wish, signal) => logs(engine, installation, subject, wish, signal),
  }
}
