import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { ProcessExit } from '../../../workspace/guest-process.ts'
import type { GuestProcess } from '../../guest.ts'
import { systemErrorCode } from '../host/system-error.ts'

/** A started command, in a process group of its own. */
export interface LocalProcess extends Omit<GuestProcess, 'signal' | 'resize'> {
  readonly pid: number
  resize(columns: number, rows: number): void
}

export interface SpawnRequest {
  readonly argv: readonly [string, ...string[]]
  readonly home: string
  readonly env: NodeJS.ProcessEnv
}

export interface SpawnedChild {
  readonly process: ChildProcess
  readonly pid: number
  readonly exited: Promise<ProcessExit>
}

/** Starts a child in a process group and session of its own. When this resolves, the process table shows it with its environment. */
export async function spawnChild(
  { argv, home, env }: SpawnRequest,
  stdio: StdioOptions,
): Promise<Outcome<SpawnedChild>> {
  const [program, ...args] = argv
  try {
    const child = spawn(program, args, { cwd: home, env, detached: true, stdio })
    const exited = new Promise<ProcessExit>((resolve) => {
      child.on('exit', (code, killedBy) =>
        resolve(code === null ? { kind: 'killed', signal: killedBy ?? 'SIGKILL' } : { kind: 'exited', code }),
      )
    })
    await new Promise<void>((resolve, reject) => {
      child.on('spawn', resolve)
      child.on('error', reject)
    })
    return child.pid === undefined
      ? fault('transient', 'The command could not be started.')
      : ok({ process: child, pid: child.pid, exited })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const faultKind = ['E2BIG', 'ERR_INVALID_ARG_VALUE'].includes(systemErrorCode(error)) ? 'permanent' : 'transient'
    return fault(faultKind, `The command could not be started: ${reason}`)
  }
}
