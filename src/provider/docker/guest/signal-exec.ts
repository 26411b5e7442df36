import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { ProcessSignal } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import { followProcess } from '../../follow-process.ts'
import type { Guest } from '../../guest.ts'
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

/** How a signal script is run: as a command of its own, within `timeoutMs`. */
export interface SignalDeps {
  readonly exec: Guest['exec']
  readonly timeoutMs: number
}

/** The processes to signal: those that carry the tag, and the session if it is known to be the command's still. */
export interface SignalTarget {
  readonly workspace: WorkspaceRef
  /** The user who sends the signal; `null`: the spec's `remoteUser`. */
  readonly user: string | null
  readonly tag: string
  /** The session of that command; `null` unless the session is known to be still the command's. */
  readonly session: number | null
}

/**
 * Signals every process group of a command in a container. With `SIGKILL` it settles when no process of the command is
 * left, whichever user it has become, or with a fault. No such process is success. May be repeated.
 */
export async function signalProcesses(
  deps: SignalDeps,
  target: SignalTarget,
  processSignal: ProcessSignal,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const firstPass = await signalAsUser(deps, target, processSignal, signal)
  if (!firstPass.ok || processSignal !== 'SIGKILL') return firstPass.ok ? ok(undefined) : firstPass
  // Only its own user can see and end a process: root in a container without SYS_PTRACE cannot read the environment of others.
  for (const uid of firstPass.value) {
    const nextPass = await signalAsUser(deps, { ...target, user: uid }, processSignal, signal)
    if (!nextPass.ok) return nextPass
  }
  return ok(undefined)
}

/** Answers the ids of the other users that have processes in the container. */
async function signalAsUser(
  { exec, timeoutMs }: SignalDeps,
  { workspace, user, tag, session }: SignalTarget,
  processSignal: ProcessSignal,
  signal: AbortSignal,
): Promise<Outcome<readonly string[]>> {
  const rounds = processSignal === 'SIGKILL' ? `${maxKillRounds}` : ''
  const scriptArguments = [
    `${containerExecVariable}=${tag}`,
    processSignal.slice('SIG'.length),
    `${session ?? ''}`,
    rounds,
  ]
  const argv = ['/bin/sh', '-c', signalScript, 'sh', ...scriptArguments]
  // A tag of its own, so that the script does not find itself.
  const command = { tag: `signal-${tag}`, argv, env: {}, cwd: '/', user, stdin: false, terminal: null }
  const started = await exec(workspace, command, signal)
  if (!started.ok) return started
  const result = await followProcess(started.value, timeoutMs, signal)
  if (result.kind === 'exited' && result.exit.kind === 'exited' && result.exit.code === 0)
    return ok(result.output.tail().split('\n').filter(Boolean))
  if (result.kind !== 'exited') started.value.detach()
  const reason = result.output.lastLine() || 'it still runs after the signal'
  return fault('transient', `Could not end a command in the container: ${reason}.`)
}

/**
 * Kills what is left of the commands tagged `tag`. No such command, or no running container, is success. May be
 * repeated.
 */
export async function killLeftover(
  deps: SignalDeps,
  workspace: WorkspaceRef,
  tag: string,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const result = await signalProcesses(deps, { workspace, user: null, tag, session: null }, 'SIGKILL', signal)
  return !result.ok && result.fault.kind === 'missing' ? ok(undefined) : result
}
