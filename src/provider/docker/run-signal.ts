import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { RunSignal } from '../../workspace/run.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { Engine } from './engine.ts'
import { exec } from './exec.ts'
import { lookAtOwn } from './look.ts'
import { runMark } from './run-start.ts'
import { field } from './shape.ts'

// Signals the process groups of what carries the mark "$1" in its environment, or belongs to the session "$3" if that is given; each group
// once. With "$4", again until none is left. Last, it names the users whose processes there are. Nothing but `tr` and `stat` need be there.
const script = `mark=$1 signal=$2 session=$3 rounds=\${4:-1} line= nl='
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

const manyRounds = 200

/** The numbers that the signals have in a container, whatever they are where the service runs. */
export const signalNumbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGTERM: 15,
  SIGUSR1: 10,
  SIGUSR2: 12,
} as const satisfies Record<RunSignal, number>

/** Whom to signal: what carries the mark, and the session if it is known that it still is the run's. */
export interface Target {
  readonly mark: string
  readonly session: number | null
}

/**
 * Sends the signal `name` to every process group of a run in the container `id`. With `SIGKILL` it answers when none of it is left,
 * whichever user it became, or with a fault. None there is success. May be repeated.
 */
export async function signalRun(
  engine: Engine,
  id: string,
  user: string | null,
  target: Target,
  name: RunSignal,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const first = await asUser(engine, id, user, target, name, signal)
  if (!first.ok || name !== 'SIGKILL') return first.ok ? done(undefined) : first
  // A process can be seen through, and ended, by its own user only: root in a container has not the right to read another's environment.
  for (const uid of first.value) {
    const next = await asUser(engine, id, uid, target, name, signal)
    if (!next.ok) return next
  }
  return done(undefined)
}

/** Answers the numbers of the users that have processes there. */
async function asUser(
  engine: Engine,
  id: string,
  user: string | null,
  { mark, session }: Target,
  name: RunSignal,
  signal: AbortSignal,
): Promise<Outcome<readonly string[]>> {
  const rounds = name === 'SIGKILL' ? `${manyRounds}` : ''
  const argv = [
    '/bin/sh',
    '-c',
    script,
    'sh',
    `${runMark}=${mark}`,
    name.slice('SIG'.length),
    `${session ?? ''}`,
    rounds,
  ]
  const ended = await exec(engine, id, { argv, user, folder: '/', env: {} }, engine.deadlines.read, signal)
  if (!ended.ok) return ended
  if (ended.value.kind === 'exited' && ended.value.code === 0)
    return done(ended.value.output.tail().split('\n').filter(Boolean))
  const why = ended.value.output.lastLine() || 'it goes on though it was signalled'
  return fault('later', `Could not end a command in the container: ${why}.`)
}

/** Ends what is left of the runs with `mark` in the subject's container. None there, or no container that runs, is success. May be repeated. */
export async function endRun(
  engine: Engine,
  installation: string,
  subject: Subject,
  mark: string,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const id = subject.containerId
  if (id === null) return done(undefined)
  const looked = await lookAtOwn(engine, { installation, workspace: subject.id }, id, signal)
  if (!looked.ok) return looked.fault.again === 'gone' ? done(undefined) : looked
  if (field(looked.value, 'State', 'Running') !== true) return done(undefined)
  const ended = await signalRun(engine, id, subject.recipe.remoteUser, { mark, session: null }, 'SIGKILL', signal)
  return !ended.ok && ended.fault.again === 'gone' ? done(undefined) : ended
}
