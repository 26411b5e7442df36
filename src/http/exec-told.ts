import type { Fed } from '../access/exec-input.ts'
import type { Began, Execs, ExecWish } from '../access/execs.ts'
import { endLine } from '../access/output-line.ts'
import type { ExecRun, StartExec } from '../wire/exec.ts'
import type { Fault } from '../workspace/fault.ts'
import { Problem } from './problem.ts'
import { notWritten } from './told.ts'
import { isoTime } from './view.ts'

type Logged = ReturnType<Execs['recent']>[number]

const soon = { 'retry-after': '5' }

export function wishOf({ command, env, cwd, user, stdin, timeout_ms, exec_id }: StartExec): ExecWish {
  return {
    execId: exec_id ?? null,
    command,
    env: env ?? {},
    cwd: cwd ?? null,
    user: user ?? null,
    input: inputOf(stdin ?? null),
    timeoutMs: timeout_ms ?? null,
  }
}

function inputOf(stdin: NonNullable<StartExec['stdin']> | null): ExecWish['input'] {
  if (stdin === null || stdin === 'stream') return stdin
  return typeof stdin === 'string' ? Buffer.from(stdin) : Buffer.from(stdin.data, stdin.encoding)
}

/** The run that was begun, or the refusal. */
export function beganIn(began: Began): Extract<Began, { kind: 'held' | 'past' }> {
  switch (began.kind) {
    case 'held':
    case 'past':
      return began
    case 'id-reused':
      throw new Problem('exec-id-reused')
    case 'too-many':
      throw new Problem('too-many-runs', { headers: { 'retry-after': '1' } })
    case 'closing':
      throw new Problem('shutting-down', { headers: soon })
    case 'not-written':
      throw notWritten(began.error)
    case 'fault':
      throw began.fault.again === 'never'
        ? new Problem('not-runnable', { error: began.fault.message })
        : providerFailed(began.fault)
    default:
      return began satisfies never
  }
}

/** What is answered to input. */
export function fedIn(fed: Fed): { message: string } {
  switch (fed) {
    case 'taken':
      return { message: 'The input was handed on.' }
    case 'not-open':
      throw new Problem('stdin-not-open', { headers: { connection: 'close' } })
    case 'not-read':
      throw new Problem('stdin-not-open', {
        error: 'The command has ended, or has closed its input, before it had read all of it.',
        headers: { connection: 'close' },
      })
    case 'cut-off':
      throw new Problem('malformed-request', { error: 'The body was cut off, so the run was killed.' })
    default:
      return fed satisfies never
  }
}

/** The last line of a run whose output is forgotten, after the line that was seen. */
export function goneLine({ startedAt, ...logged }: Logged, after: number | null): string {
  // Its end was not written down either.
  const ending = logged.endedAt === null ? { endedAt: startedAt, exitCode: null, signal: null, error: 'lost' } : logged
  if (after !== null && ending.error !== 'lost')
    throw new Problem('output-gone', {
      error: 'The output of this run is not kept any more. How it ended is shown by GET …/exec.',
    })
  return endLine((after ?? 0) + 1, startedAt, ending)
}

/** A run as the list shows it. */
export function runView({ execId, command, by, startedAt, endedAt, exitCode, signal, error }: Logged): ExecRun {
  return {
    exec_id: execId,
    command: JSON.parse(command),
    by,
    started_at: isoTime(startedAt),
    ...(endedAt !== null && { ended_at: isoTime(endedAt) }),
    ...(exitCode !== null && { exit_code: exitCode }),
    ...(signal !== null && { signal }),
    ...(error !== null && { error }),
    status: endedAt === null ? 'running' : 'ended',
  }
}

/** Where workspaces run, something went wrong. */
export function providerFailed({ message }: Fault): Problem {
  return new Problem('provider-failed', { error: message, headers: soon })
}

/** Nothing can be run now. */
export function notUp(state: string): Problem {
  return new Problem('refused-in-state', {
    error: `A command needs a workspace that runs, and this one is in state "${state}".`,
    state,
  })
}
