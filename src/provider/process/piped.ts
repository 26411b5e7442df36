import { spawn } from 'node:child_process'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { RunEnd } from '../../workspace/run.ts'
import type { Run } from '../inside.ts'
import { runOutput } from './run-output.ts'
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

/** Starts a command that writes to pipes. When this answers, the system shows it with its environment. */
export async function startPiped({ argv, home, env }: Start, reads: boolean): Promise<Outcome<Started>> {
  const [program, ...args] = argv
  try {
    const child = spawn(program, args, {
      cwd: home,
      env,
      detached: true,
      stdio: [reads ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    })
    const ended = new Promise<RunEnd>((resolve) => {
      child.on('exit', (code, by) =>
        resolve(code === null ? { kind: 'killed', signal: by ?? 'SIGKILL' } : { kind: 'exited', code }),
      )
    })
    const spawned = new Promise<void>((resolve, reject) => {
      child.on('spawn', resolve)
      child.on('error', reject)
    })
    const { stdin, stdout, stderr } = child
    // Whoever writes to a command that does not read any more is not to blame for it.
    stdin?.on('error', () => undefined)
    await spawned
    const { pid } = child
    if (pid === undefined || stdout === null || stderr === null) throw new Error('a child without pipes')
    const { output, leave } = runOutput(
      [
        { stream: 'stdout', readable: stdout },
        { stream: 'stderr', readable: stderr },
      ],
      ended,
    )
    return done({
      pid,
      output,
      stdin,
      ended,
      resize: () => undefined,
      leave: () => {
        stdin?.destroy()
        child.unref()
        leave()
      },
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const again = ['E2BIG', 'ERR_INVALID_ARG_VALUE'].includes(codeOf(error)) ? 'never' : 'later'
    return fault(again, `The command could not be started: ${reason}`)
  }
}
