import type { Guest, GuestProcess } from '../../../src/provider/guest.ts'
import type { GuestCommand, ProcessExit } from '../../../src/workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { neverAborted, valueOf } from './provider-fixture.ts'

/** A command with default values. */
export function commandOf(partial: Partial<GuestCommand>): GuestCommand {
  return { tag: 'contract', argv: ['true'], env: {}, cwd: null, user: null, stdin: false, terminal: null, ...partial }
}

/** Starts a command. */
export async function startProcess(
  guest: Guest,
  workspace: WorkspaceRef,
  partial: Partial<GuestCommand>,
): Promise<GuestProcess> {
  return valueOf(await guest.exec(workspace, commandOf(partial), neverAborted()))
}

/** Starts a shell script. */
export function startShell(
  guest: Guest,
  workspace: WorkspaceRef,
  script: string,
  partial: Partial<GuestCommand> = {},
): Promise<GuestProcess> {
  return startProcess(guest, workspace, { argv: ['/bin/sh', '-c', script], ...partial })
}

/** Reads the remaining output of a command, and its exit. */
export async function collectOutput(
  process: GuestProcess,
): Promise<{ readonly exit: ProcessExit; readonly stdout: Buffer; readonly stderr: Buffer }> {
  const collected: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
  for await (const { stream, bytes } of process.output) collected[stream].push(bytes)
  return {
    exit: await process.exited,
    stdout: Buffer.concat(collected.stdout),
    stderr: Buffer.concat(collected.stderr),
  }
}

/** The next piece of output; `null` at its end. Later output can still be read. */
export async function nextText(process: GuestProcess): Promise<string | null> {
  const { value, done } = await process.output[Symbol.asyncIterator]().next()
  return done === true ? null : value.bytes.toString()
}

/** Reads output until it contains `text`. */
export async function readUntil(process: GuestProcess, text: string): Promise<string> {
  let received = ''
  for (let chunk = await nextText(process); chunk !== null; chunk = await nextText(process)) {
    received += chunk
    if (received.includes(text)) return received
  }
  throw new Error(`the command ended before it wrote ${JSON.stringify(text)}: ${JSON.stringify(received)}`)
}

/** Blocks the event loop of this process. */
export function blockFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
