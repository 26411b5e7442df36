import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { LifecycleCommand } from '../../workspace/recipe.ts'
import type { RunOutput } from '../../workspace/run.ts'
import { pause } from './answer.ts'
import type { Directory } from './directory.ts'
import { withoutTerminals } from './open-terminals.ts'
import { sendSignal } from './send-signal.ts'
import { newIn } from './written.ts'

export type CommandEnd =
  | { readonly kind: 'ended'; readonly code: number; readonly output: string }
  | { readonly kind: 'killed'; readonly by: string; readonly output: string }
  | { readonly kind: 'overdue'; readonly output: string }
  | { readonly kind: 'unstarted'; readonly reason: string }

/** The system tells nobody that a file was written to, so we look. */
const everyMs = 100
const tailBytes = 4_096
const tailLines = 20

/**
 * Runs one lifecycle command in the workspace's home, as a process group of its own, until it exits. It writes to a file: a child
 * that it leaves in the background may go on writing there, and holds nobody up. The group is killed when time is up, when
 * the signal is aborted, or when `mayRun` says so just after the start.
 */
export async function runCommand(
  { run }: LifecycleCommand,
  directory: Directory,
  how: {
    readonly env: NodeJS.ProcessEnv
    readonly timeoutMs: number
    readonly signal: AbortSignal
    readonly mayRun: () => Promise<boolean>
    /** Is told all that is written until the command has ended. */
    readonly heard: (output: RunOutput) => void
  },
): Promise<CommandEnd> {
  const [program, ...args] = typeof run === 'string' ? ['/bin/sh', '-c', run] : run
  if (program === undefined) return { kind: 'unstarted', reason: 'the argument list is empty' }
  const file = join(directory.path, `.output-${randomUUID()}`)
  const output = await open(file, 'ax+', 0o600)
  const ended = new AbortController()
  // What cannot be read is not heard; how the command ended is another matter.
  const hearing = hear(output, how.heard, ended.signal).catch(() => undefined)
  try {
    const end = await watchOver(program, args, directory.home, output.fd, how)
    ended.abort()
    await hearing
    return end.kind === 'unstarted' ? end : { ...end, output: await tail(output) }
  } finally {
    await output.close()
    await rm(file, { force: true })
  }
}

/** Tells what is written to the file until it is said to be over, and then the rest. Both streams are one there, as they came. */
async function hear(file: FileHandle, heard: (output: RunOutput) => void, over: AbortSignal): Promise<void> {
  let at = 0
  for (;;) {
    const last = over.aborted
    for await (const bytes of newIn(file, at)) {
      at += bytes.length
      heard({ stream: 'stdout', bytes })
    }
    if (last) return
    await pause(everyMs, over)
  }
}

type BareEnd =
  | { readonly kind: 'ended'; readonly code: number }
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'overdue' }
  | { readonly kind: 'unstarted'; readonly reason: string }

function watchOver(
  program: string,
  args: readonly string[],
  home: string,
  output: number,
  { env, timeoutMs, signal, mayRun }: Parameters<typeof runCommand>[2],
): Promise<BareEnd> {
  return new Promise((resolve) => {
    const child = spawn(program, [...args], {
      cwd: home,
      env,
      detached: true,
      stdio: withoutTerminals(['ignore', output, output]),
    })
    const kill = () => {
      // Until `exit` is told the number is the child's own.
      if (child.pid !== undefined) sendSignal(child.pid, 'SIGKILL')
    }
    const settle = (end: BareEnd) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', kill)
      resolve(end)
    }
    const timer = setTimeout(() => {
      kill()
      settle({ kind: 'overdue' })
    }, timeoutMs)
    signal.addEventListener('abort', kill)
    child.on('error', (error) => settle({ kind: 'unstarted', reason: error.message }))
    child.on('exit', (code, by) =>
      settle(code === null ? { kind: 'killed', by: by ?? 'a signal' } : { kind: 'ended', code }),
    )
    void mayRun().then((may) => {
      if ((!may || signal.aborted) && child.exitCode === null && child.signalCode === null) kill()
    })
  })
}

/** The last lines of what was written; a line that would be cut is left out if there is another. */
async function tail(file: FileHandle): Promise<string> {
  const { size } = await file.stat()
  const from = Math.max(0, size - tailBytes)
  const { bytesRead, buffer } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, from)
  const lines = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n')
  return (from > 0 && lines.length > 1 ? lines.slice(1) : lines).slice(-tailLines).join('\n')
}
