import type { Guest, GuestProcess } from '../../../src/provider/guest.ts'
import type { GuestCommand, ProcessExit } from '../../../src/workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { neverAborted, valueOf } from './provider-fixture.ts'

/** A command that needs nothing but its arguments. */
export function commandOf(partial: Partial<GuestCommand>): GuestCommand {
  return { tag: 'contract', argv: ['true'], env: {}, cwd: null, user: null, stdin: false, terminal: null, ...partial }
}

/** A command that has started. */
export async function startProcess(
  guest: Guest,
  workspace: WorkspaceRef,
  partial: Partial<GuestCommand>,
): Promise<GuestProcess> {
  return valueOf(await guest.exec(workspace, commandOf(partial), neverAborted()))
}

/** A script that the workspace's shell has started to run. */
export function startShell(
  guest: Guest,
  workspace: WorkspaceRef,
  script: string,
  partial: Partial<GuestCommand> = {},
): Promise<GuestProcess> {
  return startProcess(guest, workspace, { argv: ['/bin/sh', '-c', script], ...partial })
}

/** All that a run writes from now on, and how it ended. */
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

/** What a run writes next; `null` if that is nothing. What comes later can still be read. */
export async function nextText(process: GuestProcess): Promise<string | null> {
  const { value, done } = await process.output[Symbol.asyncIterator]().next()
  return done === true ? null : value.bytes.toString()
}

/** Reads on until what has been written says `text`. */
export async function readUntil(process: GuestProcess, text: string): Promise<string> {
  let received = ''
  for (let chunk = await nextText(process); chunk !== null; chunk = await nextText(process)) {
    received += chunk
    if (received.includes(text)) return received
  }
  throw new Error(`it ended before it wrote ${JSON.stringify(text)}: ${JSON.stringify(received)}`)
}

/** Holds this process up, as a loop does that is loaded. */
export function blockFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
