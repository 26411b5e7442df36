import { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { GuestCommand, OutputChunk } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { inspectOwnContainer } from '../observe/inspect.ts'
import { execStream, type ExecStream } from './exec-stream.ts'
import { jsonField } from '../engine/json-fields.ts'

/** The variable that marks what a run starts, with the run's mark as its value; children inherit it. */
export const containerExecVariable = 'VM_API_EXEC'

// It says first, in a line, that it is there, and as which process. The engine tells nothing of a start but its failure, as if that were output;
// and only by its number can a program be found that has shed its environment (`su -`). The terminal has its size before the program can ask.
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
  /** What came with the word that it started. */
  readonly earlyOutput: readonly OutputChunk[]
  /** Its number in the container. It leads a session and a process group of that number. */
  readonly pid: number
  /** False: the image has no `stty`, and its terminal has no size yet. */
  readonly hasTerminalSize: boolean
}

/**
 * Starts `command` in the subject's container and waits until it is there. A start that is broken off may come about all the same: its
 * mark finds it.
 */
export async function startContainerExec(
  engine: Engine,
  installation: string,
  workspace: WorkspaceRef,
  command: GuestCommand,
  signal: AbortSignal,
): Promise<Outcome<StartedExec>> {
  const containerId = workspace.containerId
  if (containerId === null) return fault('missing', 'The workspace has no container.')
  if (command.argv.length === 0) return fault('permanent', 'The argument list is empty.')
  // Nothing runs before the start, so to look whose the container is (law 8) need not come first.
  const [inspection, creation] = await Promise.all([
    inspectOwnContainer(engine, { installation, workspaceId: workspace.id }, containerId, signal),
    createExec(engine, containerId, workspace, command, signal),
  ])
  if (!inspection.ok) return inspection
  if (jsonField(inspection.value, 'State', 'Running') !== true) return fault('missing', 'The container does not run.')
  if (!creation.ok) return /is not running/.test(creation.reason) ? fault('missing', creation.fault.message) : creation

  const startResult = await engine.request(
    {
      action: 'run a command in the container',
      timeoutMs: engine.timeouts.createMs,
      longRunning: true,
      run: async (docker, abortSignal) => {
        const exec = docker.getExec(creation.value)
        // Always hijacked, though not every run reads something: bytes come faster past the parser of a response.
        const socket: unknown = await exec.start({
          hijack: true,
          stdin: false,
          Tty: command.terminal !== null,
          abortSignal,
        })
        if (!(socket instanceof Duplex)) throw new TypeError('the engine client gave no duplex stream')
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
  return startFault(engine, installation, workspace, containerId, handshake, signal)
}

function createExec(
  engine: Engine,
  containerId: string,
  { spec }: WorkspaceRef,
  command: GuestCommand,
  signal: AbortSignal,
) {
  const { argv, env, terminal, tag } = command
  const workspaceFolder = spec.workspaceFolder
  const cwd =
    command.cwd === null
      ? workspaceFolder
      : command.cwd.startsWith('/')
        ? command.cwd
        : `${workspaceFolder}/${command.cwd}`
  const user = command.user ?? spec.remoteUser
  const size = terminal === null ? ['', ''] : [`${terminal.rows}`, `${terminal.columns}`]
  return engine.request(
    {
      action: 'make ready a command in the container',
      timeoutMs: engine.timeouts.createMs,
      run: async (docker, abortSignal) => {
        const exec = await docker.getContainer(containerId).exec({
          Cmd: ['/bin/sh', '-c', wrapperScript, 'sh', cwd, ...size, ...argv],
          Env: Object.entries({ ...spec.remoteEnv, ...env, [containerExecVariable]: tag }).map(
            ([name, value]) => `${name}=${value}`,
          ),
          // The folder may have been removed since, which the engine would report in words of its own.
          WorkingDir: '/',
          AttachStdin: command.stdin || terminal !== null,
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

/** Reads to the end of the wrapper's line, which is `said`; if that is something else, it is the engine's reason, whole. */
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

async function startFault(
  engine: Engine,
  installation: string,
  workspace: WorkspaceRef,
  containerId: string,
  handshake: string,
  signal: AbortSignal,
): Promise<Outcome<never>> {
  const reason = handshake.trim()
  const message = `The engine could not run a command in the container: ${reason === '' ? 'it gave no reason' : reason}.`
  if (/unable to find user|no matching entries in/.test(reason)) return fault('permanent', message)
  const inspection = await inspectOwnContainer(engine, { installation, workspaceId: workspace.id }, containerId, signal)
  if (!inspection.ok) return inspection
  if (jsonField(inspection.value, 'State', 'Running') !== true) return fault('missing', message)
  if (/\/bin\/sh/.test(reason)) return fault('permanent', `${message} Commands need an image with /bin/sh in it.`)
  return fault('transient', message)
}
