import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { LifecycleCommand } from '../../../workspace/spec.ts'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import { pollDelay } from '../host/catch-as-fault.ts'
import type { WorkspaceDirectory } from '../keeper/workspace-directory.ts'
import { stdioWithoutTerminals } from '../host/terminal-descriptors.ts'
import { signalProcessAndGroup } from '../host/send-signal.ts'
import { readAppended } from '../host/read-appended.ts'

export type LifecycleCommandResult =
  | { readonly kind: 'exited'; readonly code: number; readonly output: string }
  | { readonly kind: 'killed'; readonly signal: string; readonly output: string }
  | { readonly kind: 'timed-out'; readonly output: string }
  | { readonly kind: 'spawn-failed'; readonly reason: string }

/** The system tells nobody that a file was written to, so we look. */
const pollIntervalMs = 100
const tailBytes = 4_096
const tailLines = 20

/**
 * Runs one lifecycle command in the workspace's home, as a process group of its own, until it exits. It writes to a file: a child
 * that it leaves in the background may go on writing there, and holds nobody up. The group is killed when time is up, when
 * the signal is aborted, or when `mayRun` says so just after the start.
 */
export async function runLifecycleCommand(
  { run }: LifecycleCommand,
  directory: WorkspaceDirectory,
  options: {
    readonly env: NodeJS.ProcessEnv
    readonly timeoutMs: number
    readonly signal: AbortSignal
    readonly mayRun: () => Promise<boolean>
    /** Is told all that is written until the command has ended. */
    readonly onOutput: (output: OutputChunk) => void
  },
): Promise<LifecycleCommandResult> {
  const [program, ...args] = typeof run === 'string' ? ['/bin/sh', '-c', run] : run
  if (program === undefined) return { kind: 'spawn-failed', reason: 'the argument list is empty' }
  const outputPath = join(directory.path, `.output-${randomUUID()}`)
  const outputFile = await open(outputPath, 'ax+', 0o600)
  const exitController = new AbortController()
  // What cannot be read is not heard; how the command ended is another matter.
  const outputFollowing = followOutput(outputFile, options.onOutput, exitController.signal).catch(() => undefined)
  try {
    const exit = await spawnAndWait(program, args, directory.home, outputFile.fd, options)
    exitController.abort()
    await outputFollowing
    return exit.kind === 'spawn-failed' ? exit : { ...exit, output: await readTail(outputFile) }
  } finally {
    await outputFile.close()
    await rm(outputPath, { force: true })
  }
}

/** Tells what is written to the file until it is said to be over, and then the rest. Both streams are one there, as they came. */
async function followOutput(
  file: FileHandle,
  onOutput: (output: OutputChunk) => void,
  exitSignal: AbortSignal,
): Promise<void> {
  let offset = 0
  for (;;) {
    const isFinalRead = exitSignal.aborted
    for await (const bytes of readAppended(file, offset)) {
      offset += bytes.length
      onOutput({ stream: 'stdout', bytes })
    }
    if (isFinalRead) return
    await pollDelay(pollIntervalMs, exitSignal)
  }
}

type LifecycleCommandExit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'spawn-failed'; readonly reason: string }

function spawnAndWait(
  program: string,
  args: readonly string[],
  home: string,
  outputDescriptor: number,
  { env, timeoutMs, signal, mayRun }: Parameters<typeof runLifecycleCommand>[2],
): Promise<LifecycleCommandExit> {
  return new Promise((resolve) => {
    const child = spawn(program, [...args], {
      cwd: home,
      env,
      detached: true,
      stdio: stdioWithoutTerminals(['ignore', outputDescriptor, outputDescriptor]),
    })
    const kill = () => {
      // Until `exit` is told the number is the child's own.
      if (child.pid !== undefined) signalProcessAndGroup(child.pid, 'SIGKILL')
    }
    const settle = (exit: LifecycleCommandExit) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', kill)
      resolve(exit)
    }
    const timer = setTimeout(() => {
      kill()
      settle({ kind: 'timed-out' })
    }, timeoutMs)
    signal.addEventListener('abort', kill)
    child.on('error', (error) => settle({ kind: 'spawn-failed', reason: error.message }))
    child.on('exit', (code, killedBy) =>
      settle(code === null ? { kind: 'killed', signal: killedBy ?? 'a signal' } : { kind: 'exited', code }),
    )
    void mayRun().then((allowed) => {
      if ((!allowed || signal.aborted) && child.exitCode === null && child.signalCode === null) kill()
    })
  })
}

/** The last lines of what was written; a line that would be cut is left out if there is another. */
async function readTail(file: FileHandle): Promise<string> {
  const { size } = await file.stat()
  const from = Math.max(0, size - tailBytes)
  const { bytesRead, buffer } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, from)
  const lines = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n')
  return (from > 0 && lines.length > 1 ? lines.slice(1) : lines).slice(-tailLines).join('\n')
}
