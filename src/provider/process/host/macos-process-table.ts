import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { coalesceCalls } from './coalesce-calls.ts'
import { hasVariables, type TaggedProcess, type ProcessTable, parseVariables } from './process-table.ts'

const execFileAsync = promisify(execFile)

/**
 * The processes that `ps` shows on macOS, which hides the environment of the system's own programs. Such a program that runs as a
 * daemon outside of its process group is not found.
 */
export function macosProcessTable(prefix: string): ProcessTable {
  const listAllTagged = coalesceCalls(async () =>
    parsePsProcesses(await runProgram('/bin/ps', ['-axEww', '-o', 'pid=,pgid=,command=']), prefix),
  )
  let cachedBootId: Promise<string> | undefined
  // It cannot change while this process lives.
  const bootId = () =>
    (cachedBootId ??= runProgram('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']).then((text) => text.trim()))
  return {
    bootId,
    isAlive: async (identity) => {
      const startTime = parsePsStartTime(
        await runProgram('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(identity.pid)]),
      )
      return startTime !== null && startTime === identity.startTime && identity.bootId === (await bootId())
    },
    listTagged: async (tags) => (await listAllTagged()).filter(({ variables }) => hasVariables(variables, tags)),
    startTimeScript: 'start=$(LC_ALL=C /bin/ps -o lstart= -p $$); start=$(echo $start)',
  }
}

/** Parses lines of `ps -E -o pid=,pgid=,command=`, where the environment follows the arguments. */
export function parsePsProcesses(lines: string, prefix: string): readonly TaggedProcess[] {
  return lines.split('\n').map((line) => {
    const [pid = '', group = '', ...words] = line.trim().split(/\s+/)
    return { pid: Number(pid), group: Number(group), variables: parseVariables(words, prefix) }
  })
}

/** Parses the start time in a line of `ps -o stat=,lstart=`; `null` if there is no line, or the process is a zombie. */
export function parsePsStartTime(line: string): string | null {
  const [state = '', ...start] = line.trim().split(/\s+/)
  return state === '' || state.startsWith('Z') ? null : start.join(' ')
}

/** The output of a program; empty if it exits with 1, as `ps` does for a process that does not exist. */
async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const options = { env: { LC_ALL: 'C' }, maxBuffer: 64 * 1024 * 1024, timeout: 10_000 }
  try {
    return (await execFileAsync(program, [...args], options)).stdout
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 1) return ''
    throw error
  }
}
