import type { Guest } from '../../guest.ts'
import type { Engine } from '../engine/engine.ts'
import { dockerFiles } from './files/docker-files.ts'
import { logs } from './logs.ts'
import { exec } from './exec.ts'
import { killLeftover } from './signal-exec.ts'

/** Commands, files and logs of the installation's containers. */
export function dockerGuest(engine: Engine): Guest {
  const startProcess: Guest['exec'] = (workspace, command, signal) => exec(engine, workspace, command, signal)
  return {
    exec: startProcess,
    killLeftover: (workspace, tag, signal) =>
      killLeftover({ exec: startProcess, timeoutMs: engine.timeouts.readMs }, workspace, tag, signal),
    files: dockerFiles(startProcess),
    logs: (workspace, options, signal) => logs(engine, workspace, options, signal),
  }
}
