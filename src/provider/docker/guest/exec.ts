import { ok, type Outcome } from '../../../workspace/fault.ts'
import type {
  GuestCommand,
  ProcessExit,
  OutputChunk,
  ProcessSignal,
  TerminalSize,
} from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { GuestProcess } from '../../guest.ts'
import type { Engine } from '../engine/engine.ts'
import { execExitCode, waitForExecExit } from './wait-for-exec-exit.ts'
import { type SignalDeps, signalNumbers, signalProcesses } from './signal-exec.ts'
import { startContainerExec, type StartedExec } from './start-exec.ts'
import { execStdin, type ExecStream } from './exec-stream.ts'

/** Starts a command in the workspace's container. Implements `Guest.exec`. */
export async function exec(
  engine: Engine,
  workspace: WorkspaceRef,
  command: GuestCommand,
  signal: AbortSignal,
): Promise<Outcome<GuestProcess>> {
  const started = await startContainerExec(engine, workspace, command, signal)
  return started.ok ? ok(guestProcess(engine, workspace, command, started.value)) : started
}

function guestProcess(
  engine: Engine,
  workspace: WorkspaceRef,
  command: GuestCommand,
  { exec: dockerExec, socket, stream, earlyOutput, pid, hasTerminalSize }: StartedExec,
): GuestProcess {
  const detached = new AbortController()
  const signalDeps: SignalDeps = {
    exec: (target, script, signal) => exec(engine, target, script, signal),
    timeoutMs: engine.timeouts.readMs,
  }
  const sentSignals = new Set<ProcessSignal>()
  let exited = false

  async function waitForExit(): Promise<ProcessExit> {
    const { closed } = stream
    const exit = await waitForExecExit(engine, workspace, { exec: dockerExec, closed, detached: detached.signal })
    // After a detach the exit is unknown, and the command can still be signalled.
    exited = !detached.signal.aborted
    stream.drain(() => execExitCode(engine, dockerExec, detached.signal))
    return exit.kind === 'exited' ? killedBySentSignal(exit, sentSignals) : exit
  }

  let lastResize: Promise<unknown> = Promise.resolve()
  function resize({ columns, rows }: TerminalSize): Promise<void> {
    // In sequence, so that an earlier size never overwrites a later one.
    const resized = lastResize.then(async () => {
      if (exited || command.terminal === null) return
      await engine.request(
        {
          action: 'resize a terminal',
          timeoutMs: engine.timeouts.readMs,
          run: (docker, abortSignal) => docker.getExec(dockerExec.id).resize({ w: columns, h: rows, abortSignal }),
        },
        detached.signal,
      )
    })
    lastResize = resized
    return resized
  }
  if (command.terminal !== null && !hasTerminalSize) void resize(command.terminal)

  return {
    output: outputChunks(earlyOutput, stream),
    stdin: command.stdin || command.terminal !== null ? execStdin(socket, command.terminal !== null) : null,
    exited: waitForExit(),
    resize,
    async signal(processSignal) {
      if (exited || workspace.containerId === null) return ok(undefined)
      sentSignals.add(processSignal)
      const target = { workspace, user: command.user, tag: command.tag, session: pid }
      const result = await signalProcesses(signalDeps, target, processSignal, new AbortController().signal)
      return result.ok || !exited ? result : ok(undefined)
    },
    detach() {
      detached.abort()
      stream.close()
    },
  }
}

async function* outputChunks(earlyOutput: readonly OutputChunk[], stream: ExecStream): AsyncGenerator<OutputChunk> {
  yield* earlyOutput
  for (let chunks = await stream.next(); chunks !== null; chunks = await stream.next()) yield* chunks
  stream.close()
}

function killedBySentSignal(
  exit: { readonly kind: 'exited'; readonly code: number },
  sentSignals: ReadonlySet<ProcessSignal>,
): ProcessExit {
  const signal = [...sentSignals].find((sentSignal) => exit.code === 128 + signalNumbers[sentSignal])
  return signal === undefined ? exit : { kind: 'killed', signal }
}
