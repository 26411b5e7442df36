import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import type { Engine } from '../engine/engine.ts'
import { execExitCode } from './wait-for-exec-exit.ts'
import { drainOutput } from './drain-output.ts'
import { type OutputTail, outputTail } from '../engine/output-tail.ts'
import { abortableDelay } from '../engine/with-deadline.ts'

/** A command in a running container. */
export interface ContainerCommand {
  readonly argv: readonly string[]
  /** `null`: the container's. */
  readonly user: string | null
  readonly cwd: string | null
  readonly env: Readonly<Record<string, string>>
}

/** How a command ended; `overdue`: it still runs. */
export type ContainerCommandResult =
  | { readonly kind: 'exited'; readonly code: number; readonly output: OutputTail }
  | { readonly kind: 'timed-out'; readonly output: OutputTail }

/**
 * Runs `command` in the container `id` for at most `withinMs`, then stops listening; the command itself goes on.
 * `heard` is told as output comes, `each` of all that comes.
 */
export async function runInContainer(
  engine: Engine,
  containerId: string,
  command: ContainerCommand,
  timeoutMs: number,
  signal: AbortSignal,
  onOutput: (tail: OutputTail) => void = () => {},
  onChunk: (chunk: OutputChunk) => void = () => {},
): Promise<Outcome<ContainerCommandResult>> {
  const startResult = await startCommand(engine, containerId, command, signal)
  if (!startResult.ok) return startResult
  const { stream, exec: dockerExec } = startResult.value
  const tail = outputTail(onChunk)
  const streamClosed = new AbortController()
  let receivedBytes = 0
  stream.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length
    tail.append(chunk)
    onOutput(tail)
  })
  for (const end of ['end', 'error', 'close']) stream.on(end, () => streamClosed.abort())

  const deadline = performance.now() + timeoutMs
  try {
    let delayMs = 100
    for (;;) {
      // The stream's end is a hint only: a child in the background that holds stdout keeps it open after the command
      // has ended (docker/cli#4553), and a command may close it and go on. So the engine is asked whether it still
      // runs, at growing distances.
      if (streamClosed.signal.aborted) await abortableDelay(delayMs, signal)
      else {
        await abortableDelay(delayMs, signal, streamClosed.signal)
        if (streamClosed.signal.aborted) delayMs = 5
      }
      delayMs = Math.min(delayMs * 2, 1_000)
      if (signal.aborted) return fault('transient', 'Broken off while a command ran.')
      const exit = await execExitCode(engine, dockerExec, signal)
      if (!exit.ok) return exit
      if (exit.value !== null) {
        await drainOutput(
          () => receivedBytes,
          () => execExitCode(engine, dockerExec, signal),
          streamClosed.signal,
          signal,
        )
        return ok({ kind: 'exited', code: exit.value, output: tail })
      }
      if (performance.now() > deadline) return ok({ kind: 'timed-out', output: tail })
    }
  } finally {
    stream.destroy()
  }
}

async function startCommand(
  engine: Engine,
  containerId: string,
  { argv, user, cwd, env }: ContainerCommand,
  signal: AbortSignal,
): Promise<Outcome<{ exec: Docker.Exec; stream: Readable }>> {
  return engine.request(
    {
      action: 'run a command in the container',
      timeoutMs: engine.timeouts.createMs,
      longRunning: true,
      async run(docker, abortSignal) {
        const exec = await docker.getContainer(containerId).exec({
          Cmd: [...argv],
          Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
          AttachStdout: true,
          AttachStderr: true,
          ...(user !== null && { User: user }),
          ...(cwd !== null && { WorkingDir: cwd }),
          abortSignal,
        })
        // Not hijacked: nothing is sent to the command, and its output comes as a plain response.
        const stream: unknown = await exec.start({ Detach: false, Tty: false, abortSignal })
        if (!(stream instanceof Readable)) throw new TypeError('the engine client gave no readable stream')
        return { exec, stream }
      },
    },
    signal,
  )
}
