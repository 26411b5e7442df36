import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { latestRound } from './latest-round.ts'
import { carries, type MarkedProcess, type ProcessTable, variablesIn } from './process-table.ts'

const execute = promisify(execFile)

/**
 * Processes as `ps` shows them on macOS. The environment of the system's own programs is hidden there, so that a daemon which
 * has left its process group is found only if it is another program.
 */
export function psProcesses(prefix: string): ProcessTable {
  const all = latestRound(async () => markedIn(await run('/bin/ps', ['-axEww', '-o', 'pid=,pgid=,command=']), prefix))
  let known: Promise<string> | undefined
  // It cannot change while we live ourselves.
  const epoch = () => (known ??= run('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']).then((text) => text.trim()))
  return {
    epoch,
    lives: async (mark) => {
      const found = startIn(await run('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(mark.pid)]))
      return found !== null && found === mark.start && mark.epoch === (await epoch())
    },
    marked: async (wanted) => (await all()).filter(({ variables }) => carries(variables, wanted)),
    readStart: 'start=$(LC_ALL=C /bin/ps -o lstart= -p $$); start=$(echo $start)',
  }
}

/** The processes in lines of `ps -E -o pid=,pgid=,command=`, where the environment follows the arguments. */
export function markedIn(lines: string, prefix: string): readonly MarkedProcess[] {
  return lines.split('\n').map((line) => {
    const [pid = '', group = '', ...words] = line.trim().split(/\s+/)
    return { pid: Number(pid), group: Number(group), variables: variablesIn(words, prefix) }
  })
}

/** The start time in a line of `ps -o stat=,lstart=`; `null` if there is no line, or the process is a zombie. */
export function startIn(line: string): string | null {
  const [state = '', ...start] = line.trim().split(/\s+/)
  return state === '' || state.startsWith('Z') ? null : start.join(' ')
}

/** What a program prints; nothing if it ends with an error, as `ps` does for a process that is not there. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const options = { env: { LC_ALL: 'C' }, maxBuffer: 64 * 1024 * 1024, timeout: 10_000 }
  try {
    return (await execute(program, [...args], options)).stdout
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 1) return ''
    throw error
  }
}
