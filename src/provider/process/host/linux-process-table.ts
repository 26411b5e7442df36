import { readdir, readFile } from 'node:fs/promises'
import { coalesceCalls } from './coalesce-calls.ts'
import { mapLimited } from './map-limited.ts'
import { hasVariables, type TaggedProcess, type ProcessTable, parseVariables } from './process-table.ts'
import { systemErrorCode } from './system-error.ts'

const proc = '/proc'

/** The processes that `/proc` shows. */
export function linuxProcessTable(prefix: string): ProcessTable {
  // Each round reads one file per process of the host. A hundred concurrent stops share it.
  const listAllTagged = coalesceCalls(async () => {
    const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name)).map(Number)
    const processes = await mapLimited(pids, 64, (pid) => readTagged(pid, prefix))
    return processes.filter((entry) => entry !== null)
  })
  let cachedBootId: Promise<string> | undefined
  // It cannot change while this process lives.
  const bootId = () => (cachedBootId ??= readBootId())

  async function readBootId(): Promise<string> {
    const kernelBootId = await readFile(`${proc}/sys/kernel/random/boot_id`, 'utf8')
    // The kernel outlives a restart of the container that the service may run in. The start time of its first process does not.
    const firstProcess = await readStat(1)
    return `${kernelBootId.trim()}.${firstProcess?.startTime ?? ''}`
  }
  return {
    bootId,
    isAlive: async (identity) => {
      const procStat = await readStat(identity.pid)
      if (procStat === null || procStat.startTime !== identity.startTime || procStat.exited) return false
      return identity.bootId === (await bootId())
    },
    listTagged: async (tags) => (await listAllTagged()).filter(({ variables }) => hasVariables(variables, tags)),
    startTimeScript: 'read -r start </proc/$$/stat; set -- ${start##*) }; start=${20}',
  }
}

async function readStat(pid: number): Promise<{ startTime: string; group: number; exited: boolean } | null> {
  const text = await readFileIfExists(`${proc}/${pid}/stat`)
  if (text === null) return null
  // The second field is the program's name in parentheses, and may contain spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { startTime: fields[19] ?? '', group: Number(fields[2]), exited: fields[0] === 'Z' || fields[0] === 'X' }
}

async function readTagged(pid: number, prefix: string): Promise<TaggedProcess | null> {
  const text = await readFileIfExists(`${proc}/${pid}/environ`)
  if (text === null || !text.includes(prefix)) return null
  const procStat = await readStat(pid)
  if (procStat === null || procStat.exited) return null
  return { pid, group: procStat.group, variables: parseVariables(text.split('\0'), prefix) }
}

/** The text of a file in `/proc`; `null` for a process that has exited or belongs to another user. */
async function readFileIfExists(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(systemErrorCode(error))) return null
    throw error
  }
}
