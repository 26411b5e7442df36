import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { RunEnd } from '../../workspace/run.ts'
import type { Run } from '../inside.ts'
import { codeOf } from './system-error.ts'

/** A command as it was started, a process group of its own. */
export interface Started extends Omit<Run, 'signal' | 'resize'> {
  readonly pid: number
  resize(columns: number, rows: number): void
}

export interface Start {
  readonly argv: readonly [string, ...string[]]
  readonly home: string
  readonly env: NodeJS.ProcessEnv
}

export interface Child {
  readonly process: ChildProcess
  readonly pid: number
  readonly ended: Promise<RunEnd>
}

/** Starts a child as a process group and a session of its own. When this answers, the system shows it with its environment. */
export async function startChild({ argv, home, env }: Start, stdio: StdioOptions): Promise<Outcome<Child>> {
  const [program, ...args] = argv
  try {
    const child = spawn(program, args, { cwd: home, env, detached: true, stdio })
    const ended = new Promise<RunEnd>((resolve) => {
      child.on('exit', (code, by) =>
        resolve(code === null ? { kind: 'killed', signal: by ?? 'SIGKILL' } : { kind: 'exited', code }),
      )
    })
    await new Promise<void>((resolve, reject) => {
      child.on('spawn', resolve)
      child.on('error', reject)
    })
    return child.pid === undefined
      ? fault('later', 'The command could not be started.')
      : done({ process: child, pid: child.pid, ended })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const again = ['E2BIG', 'ERR_INVALID_ARG_VALUE'].includes(codeOf(error)) ? 'never' : 'later'
    return fault(again, `The command could not be started: ${reason}`)
  }
}
