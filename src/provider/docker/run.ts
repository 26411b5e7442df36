import { done, type Outcome } from '../../workspace/fault.ts'
import type { RunCommand, RunEnd, RunOutput, RunSignal, TerminalSize } from '../../workspace/run.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { Run } from '../inside.ts'
import type { Engine } from './engine.ts'
import { exitCode } from './exit-code.ts'
import { runEnd } from './run-end.ts'
import { signalNumbers, signalRun } from './run-signal.ts'
import { startRun, type Started } from './run-start.ts'
import { runInput, type RunStream } from './run-stream.ts'

/** Starts a command in the subject's container, as `Inside.run` promises. */
export async function run(
  engine: Engine,
  installation: string,
  subject: Subject,
  command: RunCommand,
  signal: AbortSignal,
): Promise<Outcome<Run>> {
  const started = await startRun(engine, installation, subject, command, signal)
  return started.ok ? done(running(engine, installation, subject, command, started.value)) : started
}

function running(engine: Engine, installation: string, subject: Subject, command: RunCommand, started: Started): Run {
  const { exec, socket, stream, early, pid, sized } = started
  const left = new AbortController()
  const sent = new Set<RunSignal>()
  let over = false

  async function follow(): Promise<RunEnd> {
    const seen = await runEnd(engine, installation, subject, exec, stream.closed, left.signal)
    // Who has left it is told nothing, and may still end it.
    over = !left.signal.aborted
    stream.exited(() => exitCode(engine, exec, left.signal))
    return seen.kind === 'exited' ? orKilled(seen, sent) : seen
  }

  let sizing: Promise<unknown> = Promise.resolve()
  function resize({ columns, rows }: TerminalSize): Promise<void> {
    // One after the other, lest an old size come last.
    const sized = sizing.then(async () => {
      if (over || command.terminal === null) return
      await engine.ask(
        {
          what: 'change the size of a terminal',
          withinMs: engine.deadlines.read,
          run: (docker, abortSignal) => docker.getExec(exec.id).resize({ w: columns, h: rows, abortSignal }),
        },
        left.signal,
      )
    })
    sizing = sized
    return sized
  }
  if (command.terminal !== null && !sized) void resize(command.terminal)

  return {
    output: outputOf(early, stream),
    stdin: command.stdin || command.terminal !== null ? runInput(socket, command.terminal !== null) : null,
    ended: follow(),
    resize,
    async signal(name) {
      const id = subject.containerId
      if (over || id === null) return done(undefined)
      sent.add(name)
      const target = { mark: command.mark, session: pid }
      const user = command.user ?? subject.recipe.remoteUser
      const answer = await signalRun(engine, id, user, target, name, new AbortController().signal)
      return answer.ok || !over ? answer : done(undefined)
    },
    leave() {
      left.abort()
      stream.close()
    },
  }
}

async function* outputOf(early: readonly RunOutput[], stream: RunStream): AsyncGenerator<RunOutput> {
  yield* early
  for (let pieces = await stream.next(); pieces !== null; pieces = await stream.next()) yield* pieces
  stream.close()
}

function orKilled(exited: { readonly kind: 'exited'; readonly code: number }, sent: ReadonlySet<RunSignal>): RunEnd {
  const signal = [...sent].find((name) => exited.code === 128 + signalNumbers[name])
  return signal === undefined ? exited : { kind: 'killed', signal }
}
