import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ok, type Outcome } from '../../../../workspace/fault.ts'
import type { GuestCommand, ProcessExit } from '../../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../../workspace/workspace-ref.ts'
import type { GuestProcess } from '../../../guest.ts'

const maxStderrBytes = 8_192
/** A script that was given up has so long to put things back. */
const rollbackTimeoutMs = 5_000

/** How scripts are started in a container. */
export type StartGuestProcess = (
  workspace: WorkspaceRef,
  command: GuestCommand,
  signal: AbortSignal,
) => Promise<Outcome<GuestProcess>>

/** What a script wrote, and how it ended. */
export interface ScriptResult {
  readonly exit: ProcessExit
  readonly stdout: string
  readonly stderr: string
}

/** Starts `script` with arguments as the recipe's user. */
export function startFileScript(
  startProcess: StartGuestProcess,
  workspace: WorkspaceRef,
  script: string,
  args: readonly string[],
  stdin: boolean,
  signal: AbortSignal,
): Promise<Outcome<GuestProcess>> {
  const argv = ['/bin/sh', '-c', script, 'sh', ...args]
  const env = { LC_ALL: 'C' }
  const command = { tag: `file-${randomUUID()}`, argv, env, cwd: '/', user: null, stdin, terminal: null }
  return startProcess(workspace, command, signal)
}

/** Runs a script that writes little to its end. It is killed when `signal` is aborted. */
export async function runFileScript(
  startProcess: StartGuestProcess,
  workspace: WorkspaceRef,
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Outcome<ScriptResult>> {
  const startResult = await startFileScript(startProcess, workspace, script, args, false, signal)
  if (!startResult.ok) return startResult
  const guestProcess = startResult.value
  const onAbort = (): void => void killProcess(guestProcess)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const output = await collectOutput(guestProcess)
  signal.removeEventListener('abort', onAbort)
  return ok({ exit: await guestProcess.exited, ...output })
}

/**
 * Gives a script `source` to read, and `token` last, if the source came to a good end: only then is it to believe that all has come. Answers
 * when the script has ended.
 */
export async function feedFileScript(
  guestProcess: GuestProcess,
  source: Readable,
  token: string,
  signal: AbortSignal,
): Promise<ScriptResult> {
  const pendingOutput = collectOutput(guestProcess)
  let exited = false
  void guestProcess.exited.then(() => {
    exited = true
    source.destroy()
  })
  try {
    if (guestProcess.stdin === null) throw new TypeError('a script that reads nothing was to be given something')
    await pipeline(source, guestProcess.stdin, { end: false, signal })
    guestProcess.stdin.end(token)
  } catch {
    // The source, the signal or the script itself has ended it. Whichever it was, the script says what it made of that.
    source.destroy()
    guestProcess.stdin?.destroy()
    const timer = exited ? undefined : setTimeout(() => void killProcess(guestProcess), rollbackTimeoutMs)
    void guestProcess.exited.then(() => clearTimeout(timer))
  }
  const output = await pendingOutput
  return { exit: await guestProcess.exited, ...output }
}

/** Ends a script that nobody waits for, or has ended. Left first: output that nobody reads any more would hold the engine up. */
export async function killProcess(guestProcess: GuestProcess): Promise<void> {
  guestProcess.detach()
  await guestProcess.signal('SIGKILL')
}

async function collectOutput(guestProcess: GuestProcess): Promise<{ stdout: string; stderr: string }> {
  const stdout: Buffer[] = []
  let stderr = ''
  for await (const { stream, bytes } of guestProcess.output) {
    if (stream === 'stdout') stdout.push(bytes)
    else stderr = (stderr + bytes.toString()).slice(-maxStderrBytes)
  }
  return { stdout: Buffer.concat(stdout).toString(), stderr }
}
