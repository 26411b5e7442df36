import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ok, type Outcome } from '../../../../workspace/fault.ts'
import type { ProcessExit } from '../../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../../workspace/workspace-ref.ts'
import type { Guest, GuestProcess } from '../../../guest.ts'

export const maxStderrBytes = 8_192
/** How long an aborted script has to roll back before it is killed. */
const rollbackTimeoutMs = 5_000

/** A script to run in a workspace's container. */
export interface FileScript {
  readonly workspace: WorkspaceRef
  readonly script: string
  readonly args: readonly string[]
}

/** The input of a script, and the token that marks its end. */
export interface ScriptInput {
  readonly source: Readable
  readonly token: string
}

/** The output and the exit of a script. */
export interface ScriptResult {
  readonly exit: ProcessExit
  readonly stdout: string
  readonly stderr: string
}

/** Starts a script as the workspace's user, with an open stdin if `stdin`. */
export function startFileScript(
  startProcess: Guest['exec'],
  { workspace, script, args }: FileScript,
  stdin: boolean,
  signal: AbortSignal,
): Promise<Outcome<GuestProcess>> {
  const argv = ['/bin/sh', '-c', script, 'sh', ...args]
  const env = { LC_ALL: 'C' }
  const command = { tag: `file-${randomUUID()}`, argv, env, cwd: '/', user: null, stdin, terminal: null }
  return startProcess(workspace, command, signal)
}

/** Runs a script with little output to its end. Kills it if `signal` aborts. */
export async function runFileScript(
  startProcess: Guest['exec'],
  fileScript: FileScript,
  signal: AbortSignal,
): Promise<Outcome<ScriptResult>> {
  const started = await startFileScript(startProcess, fileScript, false, signal)
  if (!started.ok) return started
  const guestProcess = started.value
  const onAbort = (): void => void killProcess(guestProcess)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const output = await collectOutput(guestProcess)
  signal.removeEventListener('abort', onAbort)
  return ok({ exit: await guestProcess.exited, ...output })
}

/**
 * Runs a script that reads `source`, followed by `token`. The token is sent only if the source ended without an error: it
 * tells the script that the input is complete.
 */
export async function runFileScriptWithInput(
  startProcess: Guest['exec'],
  fileScript: FileScript,
  input: ScriptInput,
  signal: AbortSignal,
): Promise<Outcome<ScriptResult>> {
  const started = await startFileScript(startProcess, fileScript, true, signal)
  if (started.ok) return ok(await feedInput(started.value, input, signal))
  input.source.destroy()
  return started
}

async function feedInput(
  guestProcess: GuestProcess,
  { source, token }: ScriptInput,
  signal: AbortSignal,
): Promise<ScriptResult> {
  const pendingOutput = collectOutput(guestProcess)
  let exited = false
  void guestProcess.exited.then(() => {
    exited = true
    source.destroy()
  })
  try {
    if (guestProcess.stdin === null) throw new TypeError('the script was started without stdin')
    await pipeline(source, guestProcess.stdin, { end: false, signal })
    guestProcess.stdin.end(token)
  } catch {
    // Ended by the source, the signal or the script itself. In each case the script's exit tells the result.
    source.destroy()
    guestProcess.stdin?.destroy()
    const timer = exited ? undefined : setTimeout(() => void killProcess(guestProcess), rollbackTimeoutMs)
    void guestProcess.exited.then(() => clearTimeout(timer))
  }
  const output = await pendingOutput
  return { exit: await guestProcess.exited, ...output }
}

/** Kills a script. Detaches first: output without a reader would block the engine. */
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
