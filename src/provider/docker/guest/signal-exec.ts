import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { ProcessSignal } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { runInContainer } from './run-in-container.ts'
import { inspectOwnContainer } from '../observe/inspect.ts'
import { containerExecVariable } from './start-exec.ts'
import { jsonField } from '../engine/json-fields.ts'

// Signals the process groups of what carries the mark "$1" in its environment, or belongs to the session "$3" if that is given; each group
// once. With "$4", again until none is left. Last, it names the users whose processes there are. Nothing but `tr` and `stat` need be there.
const signalScript = `mark=$1 signal=$2 session=$3 rounds=\${4:-1} line= nl='
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
      case "$nl$(tr '\\000' '\\n' < "$process/environ")$nl" in *"$nl$mark$nl"*) ;; *) continue ;; esac
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

/** The numbers that the signals have in a container, whatever they are where the service runs. */
export const signalNumbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGTERM: 15,
  SIGUSR1: 10,
  SIGUSR2: 12,
} as const satisfies Record<ProcessSignal, number>

/** Whom to signal: what carries the mark, and the session if it is known that it still is the run's. */
export interface SignalTarget {
  readonly tag: string
  readonly session: number | null
}

/**
 * Sends the signal `name` to every process group of a run in the container `id`. With `SIGKILL` it answers when none of it is left,
 * whichever user it became, or with a fault. None there is success. May be repeated.
 */
export async function signalProcesses(
  engine: Engine,
  containerId: string,
  user: string | null,
  target: SignalTarget,
  processSignal: ProcessSignal,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const firstPass = await signalAsUser(engine, containerId, user, target, processSignal, signal)
  if (!firstPass.ok || processSignal !== 'SIGKILL') return firstPass.ok ? ok(undefined) : firstPass
  // A process can be seen through, and ended, by its own user only: root in a container has not the right to read another's environment.
  for (const uid of firstPass.value) {
    const nextPass = await signalAsUser(engine, containerId, uid, target, processSignal, signal)
    if (!nextPass.ok) return nextPass
  }
  return ok(undefined)
}

/** Answers the numbers of the users that have processes there. */
async function signalAsUser(
  engine: Engine,
  containerId: string,
  user: string | null,
  { tag, session }: SignalTarget,
  processSignal: ProcessSignal,
  signal: AbortSignal,
): Promise<Outcome<readonly string[]>> {
  const rounds = processSignal === 'SIGKILL' ? `${maxKillRounds}` : ''
  const argv = [
    '/bin/sh',
    '-c',
    signalScript,
    'sh',
    `${containerExecVariable}=${tag}`,
    processSignal.slice('SIG'.length),
    `${session ?? ''}`,
    rounds,
  ]
  const result = await runInContainer(
    engine,
    containerId,
    { argv, user, cwd: '/', env: {} },
    engine.timeouts.readMs,
    signal,
  )
  if (!result.ok) return result
  if (result.value.kind === 'exited' && result.value.code === 0)
    return ok(result.value.output.tail().split('\n').filter(Boolean))
  const reason = result.value.output.lastLine() || 'it goes on though it was signalled'
  return fault('transient', `Could not end a command in the container: ${reason}.`)
}

/** Ends what is left of the runs with `mark` in the subject's container. None there, or no container that runs, is success. May be repeated. */
export async function killLeftover(
  engine: Engine,
  installation: string,
  workspace: WorkspaceRef,
  tag: string,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const containerId = workspace.containerId
  if (containerId === null) return ok(undefined)
  const inspection = await inspectOwnContainer(engine, { installation, workspaceId: workspace.id }, containerId, signal)
  if (!inspection.ok) return inspection.fault.kind === 'missing' ? ok(undefined) : inspection
  if (jsonField(inspection.value, 'State', 'Running') !== true) return ok(undefined)
  const result = await signalProcesses(
    engine,
    containerId,
    workspace.spec.remoteUser,
    { tag, session: null },
    'SIGKILL',
    signal,
  )
  return !result.ok && result.fault.kind === 'missing' ? ok(undefined) : result
}
