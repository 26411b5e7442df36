import { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { RunCommand, RunOutput } from '../../workspace/run.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { Engine } from './engine.ts'
import { lookAtOwn } from './look.ts'
import { runStream, type RunStream } from './run-stream.ts'
import { field } from './shape.ts'

/** The variable that marks what a run starts, with the run's mark as its value; children inherit it. */
export const runMark = 'VM_API_EXEC'

// It says first, in a line, that it is there, and as which process. The engine tells nothing of a start but its failure, as if that were output;
// and only by its number can a program be found that has shed its environment (`su -`). The terminal has its size before the program can ask.
const wrapper = [
  'sized=1; [ -z "$2" ] || stty rows "$2" cols "$3" 2>/dev/null || sized=0',
  'echo "$$ $sized"',
  'cd "$1" || exit 126',
  'unset OLDPWD sized; shift 3',
  'case $1 in -*) echo "sh: $1: not found" >&2; exit 127 ;; esac',
  'exec "$@"',
].join('; ')
const word = /^(\d+) ([01])\r?\n/

/** A command that has started. */
export interface Started {
  readonly exec: Docker.Exec
  readonly socket: Duplex
  readonly stream: RunStream
  /** What came with the word that it started. */
  readonly early: readonly RunOutput[]
  /** Its number in the container. It leads a session and a process group of that number. */
  readonly pid: number
  /** False: the image has no `stty`, and its terminal has no size yet. */
  readonly sized: boolean
}

/**
 * Starts `command` in the subject's container and waits until it is there. A start that is broken off may come about all the same: its
 * mark finds it.
 */
export async function startRun(
  engine: Engine,
  installation: string,
  subject: Subject,
  command: RunCommand,
  signal: AbortSignal,
): Promise<Outcome<Started>> {
  const id = subject.containerId
  if (id === null) return fault('gone', 'The workspace has no container.')
  if (command.argv.length === 0) return fault('never', 'The argument list is empty.')
  // Nothing runs before the start, so to look whose the container is (law 8) need not come first.
  const [looked, made] = await Promise.all([
    lookAtOwn(engine, { installation, workspace: subject.id }, id, signal),
    make(engine, id, subject, command, signal),
  ])
  if (!looked.ok) return looked
  if (field(looked.value, 'State', 'Running') !== true) return fault('gone', 'The container does not run.')
  if (!made.ok) return /is not running/.test(made.reason) ? fault('gone', made.fault.message) : made

  const began = await engine.ask(
    {
      what: 'run a command in the container',
      withinMs: engine.deadlines.make,
      long: true,
      run: async (docker, abortSignal) => {
        const exec = docker.getExec(made.value)
        // Always hijacked, though not every run reads something: bytes come faster past the parser of a response.
        const socket: unknown = await exec.start({
          hijack: true,
          stdin: false,
          Tty: command.terminal !== null,
          abortSignal,
        })
        if (!(socket instanceof Duplex)) throw new TypeError('the engine client gave no duplex stream')
        abortSignal.addEventListener('abort', () => socket.destroy(), { once: true })
        const stream = runStream(socket, command.terminal === null)
        return { exec, socket, stream, ...(await firstWord(stream)) }
      },
    },
    signal,
  )
  if (!began.ok) return began
  const { said, ...started } = began.value
  const [, pid, sized] = word.exec(said) ?? []
  if (pid !== undefined) return done({ ...started, pid: Number(pid), sized: sized === '1' })
  started.socket.destroy()
  return refused(engine, installation, subject, id, said, signal)
}

function make(engine: Engine, id: string, { recipe }: Subject, command: RunCommand, signal: AbortSignal) {
  const { argv, env, terminal, mark } = command
  const folder = recipe.workspaceFolder
  const cwd = command.cwd === null ? folder : command.cwd.startsWith('/') ? command.cwd : `${folder}/${command.cwd}`
  const user = command.user ?? recipe.remoteUser
  const size = terminal === null ? ['', ''] : [`${terminal.rows}`, `${terminal.columns}`]
  return engine.ask(
    {
      what: 'make ready a command in the container',
      withinMs: engine.deadlines.make,
      run: async (docker, abortSignal) => {
        const exec = await docker.getContainer(id).exec({
          Cmd: ['/bin/sh', '-c', wrapper, 'sh', cwd, ...size, ...argv],
          Env: Object.entries({ ...recipe.remoteEnv, ...env, [runMark]: mark }).map(
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
async function firstWord(stream: RunStream): Promise<{ said: string; early: readonly RunOutput[] }> {
  let said = ''
  const early: RunOutput[] = []
  for (let pieces = await stream.next(); pieces !== null; pieces = await stream.next()) {
    for (const piece of pieces) {
      const end = piece.bytes.indexOf('\n') + 1
      const rest = piece.stream === 'stderr' || word.test(said) ? 0 : end === 0 ? piece.bytes.length : end
      said += piece.bytes.toString('latin1', 0, rest)
      if (rest < piece.bytes.length) early.push({ ...piece, bytes: piece.bytes.subarray(rest) })
    }
    if (word.test(said)) return { said, early }
  }
  return { said: said + Buffer.concat(early.map(({ bytes }) => bytes)).toString(), early: [] }
}

async function refused(
  engine: Engine,
  installation: string,
  subject: Subject,
  id: string,
  said: string,
  signal: AbortSignal,
): Promise<Outcome<never>> {
  const reason = said.trim()
  const message = `The engine could not run a command in the container: ${reason === '' ? 'it gave no reason' : reason}.`
  if (/unable to find user|no matching entries in/.test(reason)) return fault('never', message)
  const looked = await lookAtOwn(engine, { installation, workspace: subject.id }, id, signal)
  if (!looked.ok) return looked
  if (field(looked.value, 'State', 'Running') !== true) return fault('gone', message)
  if (/\/bin\/sh/.test(reason)) return fault('never', `${message} Commands need an image with /bin/sh in it.`)
  return fault('later', message)
}
