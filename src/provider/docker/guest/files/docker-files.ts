import { randomUUID } from 'node:crypto'
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { ok, fault } from '../../../../workspace/fault.ts'
import type { ProcessExit } from '../../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../../workspace/workspace-ref.ts'
import type { FileOutcome, Guest, GuestFiles, GuestProcess } from '../../../guest.ts'
import { refuseFile } from '../../../refuse-file.ts'
import { parseStatLine, parseListOutput, parseStatOutput } from './file-entry.ts'
import { scriptRefusal } from './script-refusal.ts'
import { type FileScript, runFileScript, runFileScriptWithInput, startFileScript } from './run-script.ts'
import * as scripts from './file-scripts.ts'
import { takeBytes, type ScriptStream, openScriptStream, scriptReadable, withoutRootEntry } from './script-stream.ts'

/** A script about `path`, which is the path that messages name. */
interface PathScript extends FileScript {
  readonly path: string
}

/**
 * The files of containers, by small scripts that run inside them as the workspace's user, whose permissions therefore
 * apply.
 */
export function dockerFiles(startProcess: Guest['exec']): GuestFiles {
  const { run, runWithInput, open } = scriptRunner(startProcess)
  return {
    async stat(workspace, path, signal) {
      const output = await run(pathScript(workspace, path, scripts.statScript), signal)
      if (!output.ok) return output
      const entry = parseStatOutput(absolutePath(workspace, path), output.value)
      return entry === null ? unparsableOutput(path) : ok(entry)
    },
    async list(workspace, path, signal) {
      const output = await run(pathScript(workspace, path, scripts.listScript), signal)
      return output.ok ? ok(parseListOutput(output.value)) : output
    },
    async read(workspace, path, signal) {
      const opened = await open(pathScript(workspace, path, scripts.readScript), signal)
      if (!opened.ok) return opened
      const { guestProcess, firstLine, bytes } = opened.value
      const entry = parseStatLine(posix.basename(absolutePath(workspace, path)), firstLine, null)
      const stream = scriptReadable(guestProcess, takeBytes(bytes, entry?.bytes ?? 0), signal)
      return entry === null ? unparsableOutput(path) : ok({ entry, bytes: stream })
    },
    write(workspace, path, source, { append, mode }, signal) {
      const args = [append ? 'append' : '', mode === null ? '' : mode.toString(8)]
      return runWithInput(pathScript(workspace, path, scripts.writeScript, args), source, signal)
    },
    async makeDirectory(workspace, path, signal) {
      const output = await run(pathScript(workspace, path, scripts.makeDirectoryScript), signal)
      return output.ok ? ok(undefined) : output
    },
    async move(workspace, from, to, signal) {
      if (containsWorkspaceFolder(workspace, from)) return refuseFile('denied', from)
      const script = pathScript(workspace, from, scripts.moveScript, [absolutePath(workspace, to)])
      const output = await run(script, signal)
      return output.ok ? ok(undefined) : output
    },
    async remove(workspace, path, recursive, signal) {
      if (containsWorkspaceFolder(workspace, path)) return refuseFile('denied', path)
      const script = pathScript(workspace, path, scripts.removeScript, [recursive ? 'recursive' : ''])
      const output = await run(script, signal)
      return output.ok ? ok(undefined) : output
    },
    async pack(workspace, path, signal) {
      const opened = await open(pathScript(workspace, path, scripts.packScript), signal, packSucceeded)
      if (!opened.ok) return opened
      const { guestProcess, bytes } = opened.value
      return ok(scriptReadable(guestProcess, withoutRootEntry(bytes), signal))
    },
    unpack: (workspace, path, source, signal) =>
      runWithInput(pathScript(workspace, path, scripts.unpackScript), source, signal),
  }
}

/** Runs scripts and turns their failures into refusals and faults. */
function scriptRunner(startProcess: Guest['exec']) {
  return {
    /** Runs a script to its end and returns its output. */
    async run(script: PathScript, signal: AbortSignal): Promise<FileOutcome<string>> {
      const result = await runFileScript(startProcess, script, signal)
      if (!result.ok) return result
      const { exit, stdout, stderr } = result.value
      return succeeded(exit) ? ok(stdout) : scriptRefusal(exit, stderr, script.path)
    },

    /** Runs a script that reads `source` and takes PATH DRAFT TOKEN before its other arguments. */
    async runWithInput(
      { args: [absolute = '', ...extraArgs], ...script }: PathScript,
      source: Readable,
      signal: AbortSignal,
    ): Promise<FileOutcome<void>> {
      const token = randomUUID()
      const args = [absolute, `${scripts.draftPrefix}${randomUUID()}`, token, ...extraArgs]
      const result = await runFileScriptWithInput(startProcess, { ...script, args }, { source, token }, signal)
      if (!result.ok) return result
      const { exit, stderr } = result.value
      return succeeded(exit) ? ok(undefined) : scriptRefusal(exit, stderr, script.path)
    },

    /** Runs a script that writes one line and then bytes. Settles as soon as the line is there. */
    async open(
      script: PathScript,
      signal: AbortSignal,
      isComplete: (exit: ProcessExit, stderr: string) => boolean = succeeded,
    ): Promise<FileOutcome<{ guestProcess: GuestProcess; firstLine: string; bytes: ScriptStream['bytes'] }>> {
      const started = await startFileScript(startProcess, script, false, signal)
      if (!started.ok) return started
      const guestProcess = started.value
      const failureOf = (exit: ProcessExit, stderr: string): string | null => {
        if (isComplete(exit, stderr)) return null
        const refusal = scriptRefusal(exit, stderr, script.path)
        return 'message' in refusal ? refusal.message : refusal.fault.message
      }
      const { firstLine, bytes, stderr } = await openScriptStream(guestProcess, failureOf, signal)
      return firstLine === null
        ? scriptRefusal(await guestProcess.exited, stderr(), script.path)
        : ok({ guestProcess, firstLine, bytes })
    },
  }
}

/** A script whose first argument is the absolute path. */
function pathScript(
  workspace: WorkspaceRef,
  path: string,
  script: string,
  extraArgs: readonly string[] = [],
): PathScript {
  return { workspace, path, script, args: [absolutePath(workspace, path), ...extraArgs] }
}

/** The path from the container's root, without a trailing slash. */
function absolutePath({ spec }: WorkspaceRef, path: string): string {
  const normalized = posix.normalize(path.startsWith('/') ? path : `${spec.workspaceFolder}/${path}`)
  return normalized === '/' ? normalized : normalized.replace(/\/+$/, '')
}

/** True if `path` is the workspace folder or one of its ancestors. */
function containsWorkspaceFolder(workspace: WorkspaceRef, path: string): boolean {
  const absolute = absolutePath(workspace, path)
  const workspaceFolder = absolutePath(workspace, '.')
  return workspaceFolder === absolute || workspaceFolder.startsWith(absolute === '/' ? absolute : `${absolute}/`)
}

function succeeded(exit: ProcessExit): boolean {
  return exit.kind === 'exited' && exit.code === 0
}

/** GNU tar exits with 1 if a file changed while it was read or is a socket. All that can be packed has been packed. */
function packSucceeded(exit: ProcessExit, stderr: string): boolean {
  if (succeeded(exit)) return true
  const harmless = /: (file changed as we read it|File removed before we read it|socket ignored)$/
  const lines = stderr.split('\n').filter(Boolean)
  return exit.kind === 'exited' && exit.code === 1 && lines.length > 0 && lines.every((line) => harmless.test(line))
}

function unparsableOutput(path: string): FileOutcome<never> {
  return fault('transient', `Cannot parse what the workspace reported about ${path}.`)
}
