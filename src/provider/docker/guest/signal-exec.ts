import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { ProcessSignal } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { runInContainer } from './run-in-container.ts'
import { inspectOwnContainer, isRunning } from '../observe/inspect.ts'
import { containerExecVariable } from './start-exec.ts'

// Arguments: TAG SIGNAL SESSION ROUNDS. Signals, once each, the process groups of all processes that carry TAG in their
// environment or belong to SESSION, if given. With ROUNDS, repeats until none is left. After KILL it prints the ids of
// the other users that own processes. Needs no tools but `tr` and `stat`.
const signalScript = `tag=$1 signal=$2 session=$3 rounds=\${4:-1} line= nl='
'
exec 2>/dev/null
while :; do
  groups=' '
  for process in /proc/[0-9]*; do
    line=; read -r line < "$process/stat" || continue
    set -- \${line##*) }
    case $1 in Z | X | x) continue ;; esac
    case $3$4 in '' | 0* | *[!0-9]*) continue ;; esac
    if [ "$4" != "$session" ]; then
      case "$nl$(tr '\\000' '\\n' < "$process/environ")$nl" in *"$nl$tag$nl"*) ;; *) continue ;; esac
    fi
    case "$groups" in *" $3 "*) ;; *) groups="$groups$3 " ;; esac
  done
  [ "$groups" = ' ' ] && break
  [ "$rounds" -eq 0 ] && exit 3
  for group in $groups; do kill -s "$signal" -- "-$group"; done
  rounds=$((rounds - 1))
  [ "\${rounds}" -eq 0 ] && [ "$signal" != KILL ] && break
done
[ "$signal" = KILL ] && stat -c %u /proc/[0-9]* | sort -u | grep -v -x -F -e "$(stat -c %u "/proc/$$")"
exit 0`

const maxKillRounds = 200

/** Signal numbers inside a container (Linux), which may differ from those of the service's host. */
export const signalNumbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGTERM: 15,
  SIGUSR1: 10,
  SIGUSR2: 12,
} as const satisfies Record<ProcessSignal, number>

/** Which processes to signal, and how. */
export interface SignalRequest {
  /** The tag of the command that started them. */
  readonly tag: string
  /** The session of that command; `null` unless the session is known to be still the command's. */
  readonly session: number | null
  /** The user who sends the signal; `null`: the container's. */
  readonly user: string | null
  readonly processSignal: ProcessSignal
}

/**
 * Signals every process group of a command in a container. With `SIGKILL` it settles when no process of the command is
 * left, whichever user it has become, or with a fault. No such process is success. May be repeated.
 */
export async function signalProcesses(
  engine: Engine,
  containerId: string,
  request: SignalRequest,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const firstPass = await signalAsUser(engine, containerId, request, signal)
  if (!firstPass.ok) return firstPass
  if (request.processSignal !== 'SIGKILL') return ok(undefined)
  // Only a process's own user may read its environment and signal it; root in a container lacks CAP_SYS_PTRACE.
  for (const user of firstPass.value) {
    const nextPass = await signalAsUser(engine, containerId, { ...request, user }, signal)
    if (!nextPass.ok) return nextPass
  }
  return ok(undefined)
}

/** Returns the ids of the other users that own processes in the container. */
async function signalAsUser(
  engine: Engine,
  containerId: string,
  { tag, session, user, processSignal }: SignalRequest,
  signal: AbortSignal,
): Promise<Outcome<readonly string[]>> {
  const rounds = processSignal === 'SIGKILL' ? `${maxKillRounds}` : ''
  const signalName = processSignal.slice('SIG'.length)
  const args = [`${containerExecVariable}=${tag}`, signalName, `${session ?? ''}`, rounds]
  const command = { argv: ['/bin/sh', '-c', signalScript, 'sh', ...args], user, cwd: '/', env: {} }
  const result = await runInContainer(engine, containerId, command, engine.timeouts.readMs, signal)
  if (!result.ok) return result
  if (result.value.kind === 'exited' && result.value.code === 0)
    return ok(result.value.output.tail().split('\n').filter(Boolean))
  const reason = result.value.output.lastLine() || 'still running after the signal'
  return fault('transient', `Could not end a command in the container: ${reason}.`)
}

/**
 * Kills what is left of the commands tagged `tag`. No such command, or no running container, is success. May be
 * repeated.
 */
export async function killLeftover(
  engine: Engine,
  { id: workspaceId, containerId, spec }: WorkspaceRef,
  tag: string,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  if (containerId === null) return ok(undefined)
  const inspection = await inspectOwnContainer(engine, { workspaceId, containerId }, signal)
  if (!inspection.ok) return inspection.fault.kind === 'missing' ? ok(undefined) : inspection
  if (!isRunning(inspection.value)) return ok(undefined)
  const request = { tag, session: null, user: spec.remoteUser, processSignal: 'SIGKILL' } as const
  const result = await signalProcesses(engine, containerId, request, signal)
  return !result.ok && result.fault.kind === 'missing' ? ok(undefined) : result
}
