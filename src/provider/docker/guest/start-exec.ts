import { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { GuestCommand, OutputChunk } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { type ContainerRef, inspectOwnContainer, isRunning } from '../observe/inspect.ts'
import { execStream, type ExecStream } from './exec-stream.ts'

/**
 * Environment variable that holds the command's tag. Child processes inherit it, so a command's processes can be found.
 */
export const containerExecVariable = 'VM_API_EXEC'

// First prints a handshake line with its process id. The engine reports only a failed start, as if it were output; and a
// program that cleared its environment (`su -`) can be found only by its session. Sets the terminal size before the
// program can query it.
const wrapperScript = [
  'sized=1; [ -z "$2" ] || stty rows "$2" cols "$3" 2>/dev/null || sized=0',
  'echo "$$ $sized"',
  'cd "$1" || exit 126',
  'unset OLDPWD sized; shift 3',
  'case $1 in -*) echo "sh: $1: not found" >&2; exit 127 ;; esac',
  'exec "$@"',
].join('; ')
const handshakePattern = /^(\d+) ([01])\r?\n/

/** A command that has started. */
export interface StartedExec {
  readonly exec: Docker.Exec
  readonly socket: Duplex
  readonly stream: ExecStream
  /** Output that arrived together with the handshake. */
  readonly earlyOutput: readonly OutputChunk[]
  /** Its process id in the container, which is also the id of its session and process group. */
  readonly pid: number
  /** False if the image has no `stty`, so that the terminal has no size yet. */
  readonly hasTerminalSize: boolean
}

/**
 * Starts a command in the workspace's container and waits for the handshake. An aborted start may take effect all the
 * same; the command can then be found by its tag.
 */
export async function startContainerExec(
  engine: Engine,
  workspace: WorkspaceRef,
  command: GuestCommand,
  signal: AbortSignal,
): Promise<Outcome<StartedExec>> {
  const { containerId } = workspace
  if (containerId === null) return fault('missing', 'The workspace has no container.')
  if (command.argv.length === 0) return fault('permanent', 'The argument list is empty.')
  const container = { workspaceId: workspace.id, containerId }
  // Creating an exec runs nothing, so the check of ownership (law 8) may happen at the same time.
  const [inspection, creation] = await Promise.all([
    inspectOwnContainer(engine, container, signal),
    createExec(engine, { ...workspace, containerId }, command, signal),
  ])
  if (!inspection.ok) return inspection
  if (!isRunning(inspection.value)) return fault('missing', 'The container is not running.')
  if (!creation.ok) return /is not running/.test(creation.reason) ? fault('missing', creation.fault.message) : creation

  const startResult = await engine.request(
    {
      action: 'run a command in the container',
      timeoutMs: engine.timeouts.createMs,
      longRunning: true,
      run: async (docker, abortSignal) => {
        const exec = docker.getExec(creation.value)
        // Hijacked even without stdin: bytes arrive faster when they bypass the HTTP response parser.
        const socket: unknown = await exec.start({
          hijack: true,
          stdin: false,
          Tty: command.terminal !== null,
          abortSignal,
        })
        if (!(socket instanceof Duplex)) throw new TypeError('dockerode did not return a duplex stream')
        abortSignal.addEventListener('abort', () => socket.destroy(), { once: true })
        const stream = execStream(socket, command.terminal === null)
        return { exec, socket, stream, ...(await readHandshake(stream)) }
      },
    },
    signal,
  )
  if (!startResult.ok) return startResult
  const { handshake, ...started } = startResult.value
  const [, pid, sizedFlag] = handshakePattern.exec(handshake) ?? []
  if (pid !== undefined) return ok({ ...started, pid: Number(pid), hasTerminalSize: sizedFlag === '1' })
  started.socket.destroy()
  return startFault(engine, container, handshake.trim(), signal)
}

function createExec(
  engine: Engine,
  { containerId, spec }: WorkspaceRef & { readonly containerId: string },
  { argv, env, terminal, tag, stdin, ...command }: GuestCommand,
  signal: AbortSignal,
) {
  const directory = command.cwd ?? spec.workspaceFolder
  const cwd = directory.startsWith('/') ? directory : `${spec.workspaceFolder}/${directory}`
  const user = command.user ?? spec.remoteUser
  const size = terminal === null ? ['', ''] : [`${terminal.rows}`, `${terminal.columns}`]
  return engine.request(
    {
      action: 'create an exec in the container',
      timeoutMs: engine.timeouts.createMs,
      run: async (docker, abortSignal) => {
        const exec = await docker.getContainer(containerId).exec({
          Cmd: ['/bin/sh', '-c', wrapperScript, 'sh', cwd, ...size, ...argv],
          Env: Object.entries({ ...spec.remoteEnv, ...env, [containerExecVariable]: tag }).map(
            ([name, value]) => `${name}=${value}`,
          ),
          // The wrapper changes the directory: if it has been removed, the shell's error is clearer than the engine's.
          WorkingDir: '/',
          AttachStdin: stdin || terminal !== null,
          AttachStdout: true,
          AttachStderr: true,
          Tty: terminal !== null,
          ...(user !== null && { User: user }),
          abortSignal,
        })
        return exec.id
      },
    },
    signal,
  )
}

/** Reads to the end of the handshake line. If there is none, `handshake` is all output: the engine's error. */
async function readHandshake(stream: ExecStream): Promise<{ handshake: string; earlyOutput: readonly OutputChunk[] }> {
  let handshake = ''
  const earlyOutput: OutputChunk[] = []
  for (let chunks = await stream.next(); chunks !== null; chunks = await stream.next()) {
    for (const chunk of chunks) {
      const lineEnd = chunk.bytes.indexOf('\n') + 1
      const handshakeLength =
        chunk.stream === 'stderr' || handshakePattern.test(handshake) ? 0 : lineEnd === 0 ? chunk.bytes.length : lineEnd
      handshake += chunk.bytes.toString('latin1', 0, handshakeLength)
      if (handshakeLength < chunk.bytes.length)
        earlyOutput.push({ ...chunk, bytes: chunk.bytes.subarray(handshakeLength) })
    }
    if (handshakePattern.test(handshake)) return { handshake, earlyOutput }
  }
  return { handshake: handshake + Buffer.concat(earlyOutput.map(({ bytes }) => bytes)).toString(), earlyOutput: [] }
}

/** The fault of a start that failed for `reason`, in the engine's words. */
async function startFault(
  engine: Engine,
  container: ContainerRef,
  reason: string,
  signal: AbortSignal,
): Promise<Outcome<never>> {
  const message = `The engine could not run a command in the container: ${reason === '' ? 'no reason given' : reason}.`
  if (/unable to find user|no matching entries in/.test(reason)) return fault('permanent', message)
  const inspection = await inspectOwnContainer(engine, container, signal)
  if (!inspection.ok) return inspection
  if (!isRunning(inspection.value)) return fault('missing', message)
  if (/\/bin\/sh/.test(reason)) return fault('permanent', `${message} Commands require /bin/sh in the image.`)
  return fault('transient', message)
}
