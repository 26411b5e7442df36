import type { Guest } from '../../guest.ts'
import type { Engine } from '../engine/engine.ts'
import { dockerFiles } from './files/docker-files.ts'
import { logs } from './logs.ts'
import { exec } from './exec.ts'
import { killLeftover } from './signal-exec.ts'

/** The inside of `installation`'s containers. */
export function dockerGuest(engine: Engine, installation: string): Guest {
  const startProcess: Guest['exec'] = (workspace, command, signal) =>
    exec(engine, installation, workspace, command, signal)
  return {
    exec: startProcess,
    killLeftover: (workspace, tag, signal) =>
      killLeftover({ exec: startProcess, timeoutMs: engine.timeouts.readMs }, workspace, tag, signal),
    files: dockerFiles(startProcess),
    logs: (workspace, options, signal) => logs(engine, installation, workspace, options, signal),
  }
}
