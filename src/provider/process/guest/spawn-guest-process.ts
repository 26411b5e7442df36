import { mkdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { GuestCommand, ProcessSignal } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { GuestProcess } from '../../guest.ts'
import type { WorkspaceDirectory } from '../keeper/workspace-directory.ts'
import { terminateProcesses } from '../keeper/stop.ts'
import {
  workspaceEnvironment,
  execTagVariable,
  incarnationVariable,
  keeperNumberVariable,
  workspaceTagVariables,
} from '../keeper/environment.ts'
import type { ProcessHost } from '../host/host.ts'
import { runningKeeper } from '../keeper/keeper.ts'
import { spawnPiped } from './spawn-piped.ts'
import type { LocalProcess, SpawnRequest } from './spawn-child.ts'
import type { TaggedProcess } from '../host/process-table.ts'
import { spawnInTerminal } from './spawn-in-terminal.ts'
import { signalProcessGroup, signalProcess } from '../host/send-signal.ts'

// The shell reports a missing program or directory with its own messages and exit codes, as it does in a container.
const execScript = 'cd -- "$1" || exit 126; unset OLDPWD; shift; exec "$@"'

type SpawnWithoutTerminal = (request: SpawnRequest, readsStdin: boolean) => Promise<Outcome<LocalProcess>>

/**
 * Starts a command in the workspace's home, as the service's own user. A relative `cwd` is resolved against the home; an absolute one is
 * a path of the host, since nothing is isolated.
 */
export async function spawnGuestProcess(
  host: ProcessHost,
  directory: WorkspaceDirectory,
  { id, spec }: WorkspaceRef,
  command: GuestCommand,
  signal: AbortSignal,
  spawnWithoutTerminal: SpawnWithoutTerminal = spawnPiped,
): Promise<Outcome<GuestProcess>> {
  const { tag, argv, env, cwd, user, stdin, terminal } = command
  if (user !== null && user !== spec.remoteUser && !isServiceUser(user))
    return fault(
      'permanent',
      `The command cannot run as ${user}: without Docker every command runs as the user of the service.`,
    )
  if (argv.length === 0) return fault('permanent', 'The argument list is empty.')
  const keeper = await runningKeeper(host, directory)
  if (keeper === null) return fault('missing', 'The workspace is not running.')
  await mkdir(directory.home, { recursive: true, mode: 0o700 })
  const keeperTags = { [incarnationVariable]: directory.incarnation, [keeperNumberVariable]: String(keeper.number) }
  const tags = { ...workspaceTagVariables(host.installation, id), ...keeperTags, [execTagVariable]: tag }
  const specWithEnvironment = { ...spec, remoteEnv: { ...spec.remoteEnv, ...env } }
  const spawnRequest = {
    argv: ['/bin/sh', '-c', execScript, 'sh', resolve(directory.home, cwd ?? '.'), ...argv],
    home: directory.home,
    env: workspaceEnvironment(specWithEnvironment, directory, host.path, tags),
  } as const
  const spawnResult =
    terminal === null ? await spawnWithoutTerminal(spawnRequest, stdin) : await spawnInTerminal(spawnRequest, terminal)
  if (!spawnResult.ok) return spawnResult
  const guestProcess = guestProcessOf(host, { id }, tag, spawnResult.value)
  // A stop ends the keeper first and then looks for processes, so it finds a command that still sees the keeper.
  const keeperIsAlive = await host.processTable.isAlive(keeper.claim)
  if (keeperIsAlive && !signal.aborted) return ok(guestProcess)
  guestProcess.detach()
  const killResult = await guestProcess.signal('SIGKILL')
  if (!killResult.ok) return killResult
  return keeperIsAlive
    ? fault('transient', 'The command was killed, since the request was cancelled.')
    : fault('missing', 'The workspace was stopped.')
}

/** Kills the processes with a tag, whichever service started them. */
export function killProcessesByTag(
  host: ProcessHost,
  { id }: Pick<WorkspaceRef, 'id'>,
  tag: string,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  return terminateProcesses(host, id, signal, {
    graceMs: 0,
    filter: ({ variables }) => variables[execTagVariable] === tag,
  })
}

function guestProcessOf(
  host: ProcessHost,
  workspace: Pick<WorkspaceRef, 'id'>,
  tag: string,
  localProcess: LocalProcess,
): GuestProcess {
  const { pid, output, stdin, exited, detach } = localProcess
  let hasExited = false
  void exited.then(() => {
    hasExited = true
  })

  async function sendToProcesses(name: ProcessSignal): Promise<Outcome<void>> {
    const tags = { ...workspaceTagVariables(host.installation, workspace.id), [execTagVariable]: tag }
    const taggedProcesses = await host.processTable.listTagged(tags)
    // After its exit the pid stays reserved for its group as long as the group has a member.
    if (!hasExited || taggedProcesses.some(isInGroup)) signalProcessGroup(pid, name)
    for (const taggedProcess of taggedProcesses) if (!isInGroup(taggedProcess)) signalProcess(taggedProcess.pid, name)
    if (name !== 'SIGKILL') return ok(undefined)
    const killResult = await killProcessesByTag(host, workspace, tag, new AbortController().signal)
    if (killResult.ok) await exited
    return killResult
  }
  const isInGroup = ({ group }: TaggedProcess) => group === pid

  return {
    output,
    stdin,
    exited,
    resize: async ({ columns, rows }) => {
      if (!hasExited) localProcess.resize(columns, rows)
    },
    signal: async (name) => {
      try {
        return await sendToProcesses(name)
      } catch (error) {
        return fault('transient', `${name} was not sent: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
    detach,
  }
}

/** Whether `user` is the name or the id of the user that the service runs as. */
function isServiceUser(user: string): boolean {
  if (user === String(process.getuid?.())) return true
  try {
    return userInfo().username === user
  } catch {
    return false // The system has no name for its user.
  }
}
