import { readdir, readFile } from 'node:fs/promises'
import { latestRound } from './latest-round.ts'
import { mapLimited } from './map-limited.ts'
import { carries, type MarkedProcess, type ProcessTable, variablesIn } from './process-table.ts'
import { codeOf } from './system-error.ts'

const proc = '/proc'

/** Processes as `/proc` shows them. */
export function linuxProcesses(prefix: string): ProcessTable {
  // A look reads one file for each process of the host: a hundred halts at once share it.
  const all = latestRound(async () => {
    const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name)).map(Number)
    const found = await mapLimited(pids, 64, (pid) => markedOne(pid, prefix))
    return found.filter((one) => one !== null)
  })
  let known: Promise<string> | undefined
  // It cannot change while we live ourselves.
  const epoch = () => (known ??= readEpoch())

  async function readEpoch(): Promise<string> {
    const boot = await readFile(`${proc}/sys/kernel/random/boot_id`, 'utf8')
    // In a container the kernel stays up when the container is started again: its first process tells one run from another.
    const first = await stat(1)
    return `${boot.trim()}.${first?.start ?? ''}`
  }
  return {
    epoch,
    lives: async (mark) => {
      const found = await stat(mark.pid)
      if (found === null || found.start !== mark.start || found.ended) return false
      return mark.epoch === (await epoch())
    },
    marked: async (wanted) => (await all()).filter(({ variables }) => carries(variables, wanted)),
    readStart: 'read -r start </proc/$$/stat; set -- ${start##*) }; start=${20}',
  }
}

async function stat(pid: number): Promise<{ start: string; group: number; ended: boolean } | null> {
  const text = await readUnlessGone(`${proc}/${pid}/stat`)
  if (text === null) return null
  // The second field is the program's name in parentheses, and may hold blanks and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { start: fields[19] ?? '', group: Number(fields[2]), ended: fields[0] === 'Z' || fields[0] === 'X' }
}

async function markedOne(pid: number, prefix: string): Promise<MarkedProcess | null> {
  const text = await readUnlessGone(`${proc}/${pid}/environ`)
  if (text === null || !text.includes(prefix)) return null
  const found = await stat(pid)
  if (found === null || found.ended) return null
  return { pid, group: found.group, variables: variablesIn(text.split('\0'), prefix) }
}

/** The text of a file in `/proc`; `null` for a process that has ended or belongs to another user. */
async function readUnlessGone(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(codeOf(error))) return null
    throw error
  }
}
