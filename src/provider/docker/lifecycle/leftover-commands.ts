import type { Engine } from '../engine/engine.ts'
import { runInContainer } from '../guest/run-in-container.ts'

/**
 * The variable that marks what a lifecycle command starts, with the command's name as its value; children inherit it.
 */
export const containerCommandVariable = 'VM_API_COMMAND'

// The engine can start a process in a container but not end one, and knows its id on the host only, which means nothing
// inside. What a command started is found by its environment instead, children too. What to look for is handed over as
// an argument: no shell reads the name that a template gave its command.
const killCommandScript =
  'for p in /proc/[0-9]*; do if tr "\\0" "\\n" < "$p/environ" | grep -q -x -F -e "$1"; then kill -9 "${p#/proc/}"; fi; done'
const killAllCommandsScript =
  'for p in /proc/[0-9]*; do if tr "\\0" "\\n" < "$p/environ" | grep -q -e "^$1"; then kill -9 "${p#/proc/}"; fi; done'

/**
 * Kills what the lifecycle command `name` started in the container `id` and still runs; of every command if `name` is
 * empty. Runs as `user`: the commands' own user may see and end them, while root in a container without SYS_PTRACE may
 * not. Does what it can: what a command started as another user is left, and an image without a shell has no script to
 * run.
 */
export async function killLeftoverCommands(
  engine: Engine,
  containerId: string,
  user: string | null,
  commandName: string,
  signal: AbortSignal,
): Promise<void> {
  const argv = [
    '/bin/sh',
    '-c',
    commandName === '' ? killAllCommandsScript : killCommandScript,
    'sh',
    commandName === '' ? `${containerCommandVariable}=` : `${containerCommandVariable}=${commandName}`,
  ]
  await runInContainer(engine, containerId, { argv, user, cwd: null, env: {} }, engine.timeouts.readMs, signal)
}
