import type { StdinResult } from '../../runtime/exec/exec-stdin.ts'
import type { ExecStartResult, Execs, ExecRequest } from '../../runtime/exec/execs.ts'
import { formatEndLine } from '../../runtime/exec/output-line.ts'
import type { ExecSummary, StartExecBody } from '../../wire/runtime/exec.ts'
import type { Fault } from '../../workspace/fault.ts'
import { Problem } from './problem.ts'
import { notWrittenProblem } from './command-result.ts'
import { isoTime } from './workspace.ts'

type RecentExec = ReturnType<Execs['recent']>[number]

const retryHeaders = { 'retry-after': '5' }

export function toExecRequest({ command, env, cwd, user, stdin, timeout_ms, exec_id }: StartExecBody): ExecRequest {
  return {
    execId: exec_id ?? null,
    command,
    env: env ?? {},
    cwd: cwd ?? null,
    user: user ?? null,
    input: stdinInput(stdin ?? null),
    timeoutMs: timeout_ms ?? null,
  }
}

function stdinInput(stdin: NonNullable<StartExecBody['stdin']> | null): ExecRequest['input'] {
  if (stdin === null || stdin === 'stream') return stdin
  return typeof stdin === 'string' ? Buffer.from(stdin) : Buffer.from(stdin.data, stdin.encoding)
}

/** The run that was begun, or the refusal. */
export function unwrapExecStart(result: ExecStartResult): Extract<ExecStartResult, { kind: 'active' | 'ended' }> {
  switch (result.kind) {
    case 'active':
    case 'ended':
      return result
    case 'id-conflict':
      throw new Problem('exec-id-reused')
    case 'limit-reached':
      throw new Problem('too-many-runs', { headers: { 'retry-after': '1' } })
    case 'shutting-down':
      throw new Problem('shutting-down', { headers: retryHeaders })
    case 'write-failed':
      throw notWrittenProblem(result.error)
    case 'fault':
      throw result.fault.kind === 'permanent'
        ? new Problem('not-runnable', { error: result.fault.message })
        : providerFailedProblem(result.fault)
    default:
      return result satisfies never
  }
}

/** What is answered to input. */
export function presentStdinResult(result: StdinResult): { message: string } {
  switch (result) {
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
      return result satisfies never
  }
}

/** The last line of a run whose output is forgotten, after the line that was seen. */
export function truncatedOutputEndLine({ startedAt, ...record }: RecentExec, after: number | null): string {
  // Its end was not written down either.
  const ending = record.endedAt === null ? { endedAt: startedAt, exitCode: null, signal: null, error: 'lost' } : record
  if (after !== null && ending.error !== 'lost')
    throw new Problem('output-gone', {
      error: 'The output of this run is not kept any more. How it ended is shown by GET …/exec.',
    })
  return formatEndLine((after ?? 0) + 1, startedAt, ending)
}

/** A run as the list shows it. */
export function presentExec({
  execId,
  command,
  by,
  startedAt,
  endedAt,
  exitCode,
  signal,
  error,
}: RecentExec): ExecSummary {
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
export function providerFailedProblem({ message }: Fault): Problem {
  return new Problem('provider-failed', { error: message, headers: retryHeaders })
}

/** Nothing can be run now. */
export function notRunningForExec(state: string): Problem {
  return new Problem('refused-in-state', {
    error: `A command needs a workspace that runs, and this one is in state "${state}".`,
    state,
  })
}
