import { randomUUID } from 'node:crypto'
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { done, fault } from '../../workspace/fault.ts'
import type { RunEnd } from '../../workspace/run.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { FileOutcome, Files, Run } from '../inside.ts'
import { refuse } from '../refused.ts'
import { entryOf, listed, statted } from './files-entry.ts'
import { refusalOf } from './files-refusal.ts'
import { pouredInto, ranScript, type Start, startScript } from './files-run.ts'
import * as scripts from './files-scripts.ts'
import { exactly, type Opened, opened, streamOf, withoutRoot } from './files-stream.ts'

/** The files of containers, by small scripts that run inside them as the recipe's user: what that user may is what may be done here. */
export function dockerFiles(start: Start): Files {
  /** Runs a script to its end; what it wrote, or why it did not do what it was to. */
  async function ask(
    subject: Subject,
    path: string,
    script: string,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<FileOutcome<string>> {
    const ran = await ranScript(start, subject, script, args, signal)
    if (!ran.ok) return ran
    const { end, stdout, stderr } = ran.value
    return well(end) ? done(stdout) : refusalOf(end, stderr, path)
  }

  /** Runs a script that reads `source` to its end. */
  async function pour(
    subject: Subject,
    path: string,
    script: string,
    source: Readable,
    more: readonly string[],
    signal: AbortSignal,
  ): Promise<FileOutcome<void>> {
    const token = randomUUID()
    const args = [placeOf(subject, path), `${scripts.draftPrefix}${randomUUID()}`, token, ...more]
    const started = await startScript(start, subject, script, args, true, signal)
    if (!started.ok) {
      source.destroy()
      return started
    }
    const { end, stderr } = await pouredInto(started.value, source, token, signal)
    return well(end) ? done(undefined) : refusalOf(end, stderr, path)
  }

  /** Runs a script that writes a line and then bytes, and hands on both as soon as the line is there. */
  async function open<T>(
    subject: Subject,
    path: string,
    script: string,
    signal: AbortSignal,
    use: (run: Run, line: string, bytes: Opened['bytes']) => FileOutcome<T>,
    whole: (end: RunEnd, stderr: string) => boolean = well,
  ): Promise<FileOutcome<T>> {
    const started = await startScript(start, subject, script, [placeOf(subject, path)], false, signal)
    if (!started.ok) return started
    const run = started.value
    const why = (end: RunEnd, stderr: string): string | null => {
      if (whole(end, stderr)) return null
      const refused = refusalOf(end, stderr, path)
      return 'message' in refused ? refused.message : refused.fault.message
    }
    const { line, bytes, stderr } = await opened(run, why, signal)
    return line === null ? refusalOf(await run.ended, stderr(), path) : use(run, line, bytes)
  }

  return {
    async stat(subject, path, signal) {
      const told = await ask(subject, path, scripts.statScript, [placeOf(subject, path)], signal)
      if (!told.ok) return told
      const entry = statted(placeOf(subject, path), told.value)
      return entry === null ? unreadable(path) : done(entry)
    },
    async list(subject, path, signal) {
      const told = await ask(subject, path, scripts.listScript, [placeOf(subject, path)], signal)
      return told.ok ? done(listed(told.value)) : told
    },
    read: (subject, path, signal) =>
      open(subject, path, scripts.readScript, signal, (run, line, bytes) => {
        const entry = entryOf(posix.basename(placeOf(subject, path)), line, null)
        const stream = streamOf(run, exactly(bytes, entry?.bytes ?? 0), signal)
        return entry === null ? unreadable(path) : done({ entry, bytes: stream })
      }),
    write: (subject, path, source, { append, mode }, signal) =>
      pour(
        subject,
        path,
        scripts.writeScript,
        source,
        [append ? 'append' : '', mode === null ? '' : mode.toString(8)],
        signal,
      ),
    async makeDirectory(subject, path, signal) {
      const made = await ask(subject, path, scripts.makeDirectoryScript, [placeOf(subject, path)], signal)
      return made.ok ? done(undefined) : made
    },
    async move(subject, from, to, signal) {
      const [source, target] = [placeOf(subject, from), placeOf(subject, to)]
      if (holdsFolder(subject, source)) return refuse('denied', from)
      const moved = await ask(subject, from, scripts.moveScript, [source, target], signal)
      return moved.ok ? done(undefined) : moved
    },
    async remove(subject, path, recursive, signal) {
      const place = placeOf(subject, path)
      if (holdsFolder(subject, place)) return refuse('denied', path)
      const removed = await ask(subject, path, scripts.removeScript, [place, recursive ? 'recursive' : ''], signal)
      return removed.ok ? done(undefined) : removed
    },
    pack: (subject, path, signal) =>
      open(
        subject,
        path,
        scripts.packScript,
        signal,
        (run, _line, bytes) => done(streamOf(run, withoutRoot(bytes), signal)),
        packedWell,
      ),
    unpack: (subject, path, source, signal) => pour(subject, path, scripts.unpackScript, source, [], signal),
  }
}

/** The path from the container's root. */
function placeOf({ recipe }: Subject, path: string): string {
  const place = posix.normalize(path.startsWith('/') ? path : `${recipe.workspaceFolder}/${path}`)
  return place === '/' ? place : place.replace(/\/+$/, '')
}

/** True of the workspace folder itself, and of what it is in. */
function holdsFolder(subject: Subject, place: string): boolean {
  const folder = placeOf(subject, '.')
  return folder === place || folder.startsWith(place === '/' ? place : `${place}/`)
}

function well(end: RunEnd): boolean {
  return end.kind === 'exited' && end.code === 0
}

/** GNU tar's exit code 1: a file has changed while it was read, or it is a socket. All that could be packed is. */
function packedWell(end: RunEnd, stderr: string): boolean {
  if (well(end)) return true
  const harmless = /: (file changed as we read it|File removed before we read it|socket ignored)$/
  const lines = stderr.split('\n').filter(Boolean)
  return end.kind === 'exited' && end.code === 1 && lines.length > 0 && lines.every((line) => harmless.test(line))
}

function unreadable(path: string): FileOutcome<never> {
  return fault('later', `What the workspace told of ${path} cannot be read.`)
}
