import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { RunOutput } from '../../workspace/run.ts'
import type { Engine } from './engine.ts'
import { exitCode } from './exit-code.ts'
import { lastOutput } from './last-output.ts'
import { type Output, outputTail } from './output.ts'
import { pause } from './race.ts'

/** A command in a running container. */
export interface Command {
  readonly argv: readonly string[]
  /** `null`: the container's. */
  readonly user: string | null
  readonly folder: string | null
  readonly env: Readonly<Record<string, string>>
}

/** How a command ended; `overdue`: it still runs. */
export type Ended =
  | { readonly kind: 'exited'; readonly code: number; readonly output: Output }
  | { readonly kind: 'overdue'; readonly output: Output }

/**
 * Runs `command` in the container `id` for at most `withinMs`, then stops listening; the command itself goes on.
 * `heard` is told as output comes, `each` of all that comes.
 */
export async function exec(
  engine: Engine,
  id: string,
  command: Command,
  withinMs: number,
  signal: AbortSignal,
  heard: (output: Output) => void = () => {},
  each: (output: RunOutput) => void = () => {},
): Promise<Outcome<Ended>> {
  const started = await start(engine, id, command, signal)
  if (!started.ok) return started
  const { stream, exec: running } = started.value
  const output = outputTail(each)
  const closed = new AbortController()
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    output.hear(chunk)
    heard(output)
  })
  for (const end of ['end', 'error', 'close']) stream.on(end, () => closed.abort())

  const until = performance.now() + withinMs
  try {
    let wait = 100
    for (;;) {
      // The stream's end is a hint only: a child in the background that holds stdout keeps it open after the command
      // has ended (docker/cli#4553), and a command may close it and go on. So the engine is asked whether it still
      // runs, at growing distances.
      if (closed.signal.aborted) await pause(wait, signal)
      else {
        await pause(wait, signal, closed.signal)
        if (closed.signal.aborted) wait = 5
      }
      wait = Math.min(wait * 2, 1_000)
      if (signal.aborted) return fault('later', 'Broken off while a command ran.')
      const looked = await exitCode(engine, running, signal)
      if (!looked.ok) return looked
      if (looked.value !== null) {
        await lastOutput(
          () => bytes,
          () => exitCode(engine, running, signal),
          closed.signal,
          signal,
        )
        return done({ kind: 'exited', code: looked.value, output })
      }
      if (performance.now() > until) return done({ kind: 'overdue', output })
    }
  } finally {
    stream.destroy()
  }
}

async function start(
  engine: Engine,
  id: string,
  { argv, user, folder, env }: Command,
  signal: AbortSignal,
): Promise<Outcome<{ exec: Docker.Exec; stream: Readable }>> {
  return engine.ask(
    {
      what: 'run a command in the container',
      withinMs: engine.deadlines.make,
      long: true,
      async run(docker, abortSignal) {
        const exec = await docker.getContainer(id).exec({
          Cmd: [...argv],
          Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
          AttachStdout: true,
          AttachStderr: true,
          ...(user !== null && { User: user }),
          ...(folder !== null && { WorkingDir: folder }),
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
