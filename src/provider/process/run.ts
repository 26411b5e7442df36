import { mkdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { RunCommand, RunSignal } from '../../workspace/run.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { Run } from '../inside.ts'
import type { Directory } from './directory.ts'
import { endProcesses } from './ending.ts'
import { environmentOf, execVariable, incarnationVariable, runVariable, workspaceMark } from './environment.ts'
import type { Host } from './host.ts'
import { runningKeeper } from './keeper.ts'
import { startPiped } from './piped.ts'
import type { Started } from './child.ts'
import type { MarkedProcess } from './process-table.ts'
import { startTerminal } from './terminal.ts'
import { signalGroup, signalOne } from './send-signal.ts'

// The shell says what is wrong with a program or a directory, in its own words and codes, as it does in a container.
const script = 'cd -- "$1" || exit 126; unset OLDPWD; shift; exec "$@"'

/**
 * Starts a command in the workspace's home. A relative `cwd` begins there; an absolute one is the host's, since nothing here isolates. Every
 * command runs as the service's own user.
 */
export async function startRun(
  host: Host,
  directory: Directory,
  { id, recipe }: Subject,
  command: RunCommand,
  signal: AbortSignal,
): Promise<Outcome<Run>> {
  const { mark, argv, env, cwd, user, stdin, terminal } = command
  if (user !== null && user !== recipe.remoteUser && !isOurs(user))
    return fault('never', `Nothing can be run as ${user}: without Docker everything runs as the user of the service.`)
  if (argv.length === 0) return fault('never', 'The argument list is empty.')
  const keeper = await runningKeeper(host, directory)
  if (keeper === null) return fault('gone', 'The workspace does not run.')
  await mkdir(directory.home, { recursive: true, mode: 0o700 })
  const run = { [incarnationVariable]: directory.incarnation, [runVariable]: String(keeper.number) }
  const marks = { ...workspaceMark(host.installation, id), ...run, [execVariable]: mark }
  const asked = { ...recipe, remoteEnv: { ...recipe.remoteEnv, ...env } }
  const start = {
    argv: ['/bin/sh', '-c', script, 'sh', resolve(directory.home, cwd ?? '.'), ...argv],
    home: directory.home,
    env: environmentOf(asked, directory, host.path, marks),
  } as const
  const started = terminal === null ? await startPiped(start, stdin) : await startTerminal(start, terminal)
  if (!started.ok) return started
  const made = runOf(host, { id }, mark, started.value)
  // A halt ends the keeper first and then looks for processes. So a command that still sees the keeper is found by it.
  const runs = await host.table.lives(keeper.claim)
  if (runs && !signal.aborted) return done(made)
  made.leave()
  const ended = await made.signal('SIGKILL')
  if (!ended.ok) return ended
  return runs
    ? fault('later', 'The command was killed: nobody waits for it any more.')
    : fault('gone', 'The workspace was ended.')
}

/** Ends what is left of the runs with a mark, of a service that was killed too. */
export function endRun(
  host: Host,
  { id }: Pick<Subject, 'id'>,
  mark: string,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  return endProcesses(host, id, signal, { graceMs: 0, which: ({ variables }) => variables[execVariable] === mark })
}

function runOf(host: Host, subject: Pick<Subject, 'id'>, mark: string, started: Started): Run {
  const { pid, output, stdin, ended, leave } = started
  let over = false
  void ended.then(() => {
    over = true
  })

  async function send(name: RunSignal): Promise<Outcome<void>> {
    const marks = { ...workspaceMark(host.installation, subject.id), [execVariable]: mark }
    const marked = await host.table.marked(marks)
    // Once it has ended, the number of its group is its own for as long as somebody is in it.
    if (!over || marked.some(inGroup)) signalGroup(pid, name)
    for (const one of marked) if (!inGroup(one)) signalOne(one.pid, name)
    if (name !== 'SIGKILL') return done(undefined)
    const rest = await endRun(host, subject, mark, new AbortController().signal)
    if (rest.ok) await ended
    return rest
  }
  const inGroup = ({ group }: MarkedProcess) => group === pid

  return {
    output,
    stdin,
    ended,
    resize: async ({ columns, rows }) => {
      if (!over) started.resize(columns, rows)
    },
    signal: async (name) => {
      try {
        return await send(name)
      } catch (error) {
        return fault('later', `${name} was not sent: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
    leave,
  }
}

/** Is it the name, or the number, of the user that the service runs as? */
function isOurs(user: string): boolean {
  if (user === String(process.getuid?.())) return true
  try {
    return userInfo().username === user
  } catch {
    return false // A user that the system has no name for.
  }
}
