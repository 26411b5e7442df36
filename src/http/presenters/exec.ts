import type { StdinResult } from '../../runtime/exec/exec-stdin.ts'
import type {
  ActiveExec,
  EndedExec,
  ExecFindResult,
  ExecInfo,
  ExecKillResult,
  ExecListResult,
  ExecRequest,
  ExecStartResult,
} from '../../runtime/exec/execs.ts'
import type { AttachResult } from '../../runtime/exec/output-readers.ts'
import type { StartRefusal } from '../../runtime/session-registry.ts'
import type { ExecSummary, StartExecBody } from '../../wire/runtime/exec.ts'
import type { Fault } from '../../workspace/fault.ts'
import type { ProcessSignal } from '../../workspace/guest-process.ts'
import { notWrittenProblem } from './command-result.ts'
import { Problem } from './problem.ts'
import { isoTime } from './workspace.ts'

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

/** The exec session that was started, or found by its id. @throws {Problem} for a refusal. */
export function unwrapExecStart(result: ExecStartResult): ActiveExec | EndedExec {
  switch (result.kind) {
    case 'active':
    case 'ended':
      return result
    case 'id-conflict':
      throw new Problem('exec-id-reused')
    case 'not-found':
      throw new Problem('workspace-not-found')
    case 'not-running':
      throw notRunningProblem('A command needs', result.state)
    case 'limit-reached':
      throw new Problem('too-many-runs', { headers: { 'retry-after': '1' } })
    case 'shutting-down':
    case 'write-failed':
    case 'fault':
      throw startRefusalProblem(result)
    default:
      return result satisfies never
  }
}

/** An exec session that was looked up. @throws {Problem} if it does not exist. */
export function unwrapExec(result: ExecFindResult): ActiveExec | EndedExec {
  if (result.kind === 'active' || result.kind === 'ended') return result
  throw new Problem(result.kind === 'not-found' ? 'workspace-not-found' : 'exec-not-found')
}

export function presentExecList(result: ExecListResult): ExecSummary[] {
  if (result.kind === 'not-found') throw new Problem('workspace-not-found')
  return result.execs.map(presentExec)
}

export function presentKillResult(result: ExecKillResult, signal: ProcessSignal): { message: string } {
  switch (result.kind) {
    case 'signalled':
      return { message: `${signal} was sent.` }
    case 'already-ended':
      return { message: 'The command has already ended.' }
    case 'leftover-killed':
      return { message: 'The leftover processes of the command were killed.' }
    case 'fault':
      throw providerFailedProblem(result.fault)
    case 'not-found':
      throw new Problem('workspace-not-found')
    case 'exec-not-found':
      throw new Problem('exec-not-found')
    default:
      return result satisfies never
  }
}

export function presentStdinResult(result: StdinResult): { message: string } {
  switch (result) {
    case 'accepted':
      return { message: 'The input was passed on.' }
    case 'closed':
      throw new Problem('stdin-not-open', { headers: { connection: 'close' } })
    case 'not-consumed':
      throw new Problem('stdin-not-open', {
        error: 'The command ended, or closed its input, before it had read all of it.',
        headers: { connection: 'close' },
      })
    case 'truncated':
      throw new Problem('malformed-request', { error: 'The body was cut off, so the command was killed.' })
    default:
      return result satisfies never
  }
}

/** Why a reader could not be attached to the output of a command. */
export function attachProblem(rejection: Exclude<AttachResult, { kind: 'attached' }>): Problem {
  switch (rejection.kind) {
    case 'truncated':
      return new Problem('output-gone', {
        error: `That part of the output is not retained any more. The oldest line that is retained has seq ${rejection.oldest}.`,
      })
    case 'out-of-range':
      return new Problem('invalid', {
        error: `after: there is no such line yet. The newest line has seq ${rejection.newest}.`,
        details: [{ field: 'after', problem: `must be at most ${rejection.newest}` }],
      })
    default:
      return rejection satisfies never
  }
}

/** The last line of a command whose output is not retained, for a reader that has seen line `after`. */
export function presentEndLine(exec: EndedExec, after: number | null): string {
  const line = exec.endLine(after)
  if (line !== null) return line
  throw new Problem('output-gone', {
    error: 'The output of this command is not retained any more. GET …/exec shows how it ended.',
  })
}

function presentExec({ execId, command, by, startedAt, endedAt, exitCode, signal, error }: ExecInfo): ExecSummary {
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

/** Why an exec or shell session could not be started. */
export function startRefusalProblem(refusal: StartRefusal): Problem {
  switch (refusal.kind) {
    case 'limit-reached':
      return new Problem('too-many-runs')
    case 'shutting-down':
      return new Problem('shutting-down', { headers: retryHeaders })
    case 'write-failed':
      return notWrittenProblem(refusal.error)
    case 'fault':
      return refusal.fault.kind === 'permanent'
        ? new Problem('not-runnable', { error: refusal.fault.message })
        : providerFailedProblem(refusal.fault)
    default:
      return refusal satisfies never
  }
}

/** The provider could not do what a request needed. */
export function providerFailedProblem({ message }: Fault): Problem {
  return new Problem('provider-failed', { error: message, headers: retryHeaders })
}

/** The workspace of a request does not run. `need` begins the message: `A command needs`. */
export function notRunningProblem(need: string, state: string): Problem {
  return new Problem('refused-in-state', {
    error: `${need} a running workspace, and this one is in state "${state}".`,
    state,
  })
}
