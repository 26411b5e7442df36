import { randomUUID } from 'node:crypto'
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { ok, fault } from '../../../../workspace/fault.ts'
import type { ProcessExit } from '../../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../../workspace/workspace-ref.ts'
import type { FileOutcome, GuestFiles, GuestProcess } from '../../../guest.ts'
import { refuseFile } from '../../../refuse-file.ts'
import { parseStatLine, parseListOutput, parseStatOutput } from './file-entry.ts'
import { scriptRefusal } from './script-refusal.ts'
import { feedFileScript, runFileScript, type StartGuestProcess, startFileScript } from './run-script.ts'
import * as scripts from './file-scripts.ts'
import { takeBytes, type ScriptStream, openScriptStream, scriptReadable, withoutRootEntry } from './script-stream.ts'

/** The files of containers, by small scripts that run inside them as the recipe's user: what that user may is what may be done here. */
export function dockerFiles(startProcess: StartGuestProcess): GuestFiles {
  /** Runs a script to its end; what it wrote, or why it did not do what it was to. */
  async function runScript(
    workspace: WorkspaceRef,
    path: string,
    script: string,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<FileOutcome<string>> {
    const result = await runFileScript(startProcess, workspace, script, args, signal)
    if (!result.ok) return result
    const { exit, stdout, stderr } = result.value
    return succeeded(exit) ? ok(stdout) : scriptRefusal(exit, stderr, path)
  }

  /** Runs a script that reads `source` to its end. */
  async function runScriptWithInput(
    workspace: WorkspaceRef,
    path: string,
    script: string,
    source: Readable,
    extraArgs: readonly string[],
    signal: AbortSignal,
  ): Promise<FileOutcome<void>> {
    const token = randomUUID()
    const args = [absolutePath(workspace, path), `${scripts.draftPrefix}${randomUUID()}`, token, ...extraArgs]
    const startResult = await startFileScript(startProcess, workspace, script, args, true, signal)
    if (!startResult.ok) {
      source.destroy()
      return startResult
    }
    const { exit, stderr } = await feedFileScript(startResult.value, source, token, signal)
    return succeeded(exit) ? ok(undefined) : scriptRefusal(exit, stderr, path)
  }

  /** Runs a script that writes a line and then bytes, and hands on both as soon as the line is there. */
  async function openScript<T>(
    workspace: WorkspaceRef,
    path: string,
    script: string,
    signal: AbortSignal,
    toOutcome: (guestProcess: GuestProcess, firstLine: string, bytes: ScriptStream['bytes']) => FileOutcome<T>,
    isComplete: (exit: ProcessExit, stderr: string) => boolean = succeeded,
  ): Promise<FileOutcome<T>> {
    const startResult = await startFileScript(
      startProcess,
      workspace,
      script,
      [absolutePath(workspace, path)],
      false,
      signal,
    )
    if (!startResult.ok) return startResult
    const guestProcess = startResult.value
    const failureOf = (exit: ProcessExit, stderr: string): string | null => {
      if (isComplete(exit, stderr)) return null
      const refusal = scriptRefusal(exit, stderr, path)
      return 'message' in refusal ? refusal.message : refusal.fault.message
    }
    const { firstLine, bytes, stderr } = await openScriptStream(guestProcess, failureOf, signal)
    return firstLine === null
      ? scriptRefusal(await guestProcess.exited, stderr(), path)
      : toOutcome(guestProcess, firstLine, bytes)
  }

  return {
    async stat(workspace, path, signal) {
      const output = await runScript(workspace, path, scripts.statScript, [absolutePath(workspace, path)], signal)
      if (!output.ok) return output
      const entry = parseStatOutput(absolutePath(workspace, path), output.value)
      return entry === null ? unparsableOutput(path) : ok(entry)
    },
    async list(workspace, path, signal) {
      const output = await runScript(workspace, path, scripts.listScript, [absolutePath(workspace, path)], signal)
      return output.ok ? ok(parseListOutput(output.value)) : output
    },
    read: (workspace, path, signal) =>
      openScript(workspace, path, scripts.readScript, signal, (guestProcess, firstLine, bytes) => {
        const entry = parseStatLine(posix.basename(absolutePath(workspace, path)), firstLine, null)
        const stream = scriptReadable(guestProcess, takeBytes(bytes, entry?.bytes ?? 0), signal)
        return entry === null ? unparsableOutput(path) : ok({ entry, bytes: stream })
      }),
    write: (workspace, path, source, { append, mode }, signal) =>
      runScriptWithInput(
        workspace,
        path,
        scripts.writeScript,
        source,
        [append ? 'append' : '', mode === null ? '' : mode.toString(8)],
        signal,
      ),
    async makeDirectory(workspace, path, signal) {
      const result = await runScript(
        workspace,
        path,
        scripts.makeDirectoryScript,
        [absolutePath(workspace, path)],
        signal,
      )
      return result.ok ? ok(undefined) : result
    },
    async move(workspace, from, to, signal) {
      const [sourcePath, targetPath] = [absolutePath(workspace, from), absolutePath(workspace, to)]
      if (containsWorkspaceFolder(workspace, sourcePath)) return refuseFile('denied', from)
      const result = await runScript(workspace, from, scripts.moveScript, [sourcePath, targetPath], signal)
      return result.ok ? ok(undefined) : result
    },
    async remove(workspace, path, recursive, signal) {
      const absolute = absolutePath(workspace, path)
      if (containsWorkspaceFolder(workspace, absolute)) return refuseFile('denied', path)
      const result = await runScript(
        workspace,
        path,
        scripts.removeScript,
        [absolute, recursive ? 'recursive' : ''],
        signal,
      )
      return result.ok ? ok(undefined) : result
    },
    pack: (workspace, path, signal) =>
      openScript(
        workspace,
        path,
        scripts.packScript,
        signal,
        (guestProcess, _line, bytes) => ok(scriptReadable(guestProcess, withoutRootEntry(bytes), signal)),
        packSucceeded,
      ),
    unpack: (workspace, path, source, signal) =>
      runScriptWithInput(workspace, path, scripts.unpackScript, source, [], signal),
  }
}

/** The path from the container's root. */
function absolutePath({ spec }: WorkspaceRef, path: string): string {
  const normalized = posix.normalize(path.startsWith('/') ? path : `${spec.workspaceFolder}/${path}`)
  return normalized === '/' ? normalized : normalized.replace(/\/+$/, '')
}

/** True of the workspace folder itself, and of what it is in. */
function containsWorkspaceFolder(workspace: WorkspaceRef, absolute: string): boolean {
  const workspaceFolder = absolutePath(workspace, '.')
  return workspaceFolder === absolute || workspaceFolder.startsWith(absolute === '/' ? absolute : `${absolute}/`)
}

function succeeded(exit: ProcessExit): boolean {
  return exit.kind === 'exited' && exit.code === 0
}

/** GNU tar's exit code 1: a file has changed while it was read, or it is a socket. All that could be packed is. */
function packSucceeded(exit: ProcessExit, stderr: string): boolean {
  if (succeeded(exit)) return true
  const harmless = /: (file changed as we read it|File removed before we read it|socket ignored)$/
  const lines = stderr.split('\n').filter(Boolean)
  return exit.kind === 'exited' && exit.code === 1 && lines.length > 0 && lines.every((line) => harmless.test(line))
}

function unparsableOutput(path: string): FileOutcome<never> {
  return fault('transient', `What the workspace told of ${path} cannot be read.`)
}
