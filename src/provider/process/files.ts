import { lstat, mkdir, rename, rmdir, unlink } from 'node:fs/promises'
import { done, fault } from '../../workspace/fault.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { FileOutcome, Files } from '../inside.ts'
import { refuse } from '../refused.ts'
import { clear } from './clear.ts'
import type { Directory } from './directory.ts'
import { readBytes, writeBytes } from './file-bytes.ts'
import { entriesIn, entryAt } from './file-entry.ts'
import { packTree } from './file-pack.ts'
import { locate, locateDirectory } from './file-path.ts'
import { refusalOf } from './file-refusal.ts'
import { unpackTree } from './file-unpack.ts'
import type { Asking } from './inside.ts'
import { runningKeeper } from './keeper.ts'
import { codeOf } from './system-error.ts'

/**
 * The files in a workspace's home; all others of the host are `outside`. This guards against mistakes only: a command in the workspace reaches
 * whatever the service's own user may.
 */
export function processFiles({ within }: Pick<Asking, 'within'>): Files {
  async function ask<T>(
    what: string,
    { id }: Subject,
    path: string,
    signal: AbortSignal,
    work: (directory: Directory) => Promise<FileOutcome<T>>,
  ): Promise<FileOutcome<T>> {
    const answered = await within<FileOutcome<T>>(`${what} ${path}`, id, signal, async (host, directory) => {
      if ((await runningKeeper(host, directory)) === null) return fault('gone', 'The workspace does not run.')
      await mkdir(directory.home, { recursive: true, mode: 0o700 })
      try {
        return done(await work(directory))
      } catch (error) {
        const refused = refusalOf(error, path)
        if (refused === null) throw error
        return done(refused)
      }
    })
    return answered.ok ? answered.value : answered
  }

  return {
    stat: (subject, path, signal) =>
      ask('Looking at', subject, path, signal, async ({ home }) => {
        const located = await locate(home, path, false)
        return located.ok ? done(await entryAt(located.value, path)) : located
      }),
    list: (subject, path, signal) =>
      ask('Listing', subject, path, signal, async ({ home }) => {
        const located = await locate(home, path, true)
        return located.ok ? done(await entriesIn(located.value)) : located
      }),
    read: (subject, path, signal) =>
      ask('Reading', subject, path, signal, (directory) => readBytes(directory, path, signal)),
    write: async (subject, path, source, how, signal) => {
      const written = await ask('Writing', subject, path, signal, (directory) =>
        writeBytes(directory, path, source, how, signal),
      )
      source.destroy()
      return written
    },
    makeDirectory: (subject, path, signal) =>
      ask('Making', subject, path, signal, async ({ home }) => {
        const located = await locateDirectory(home, path, { make: true })
        return located.ok ? done(undefined) : located
      }),
    move: (subject, from, to, signal) => ask('Moving', subject, from, signal, ({ home }) => move(home, from, to)),
    remove: (subject, path, recursive, signal) =>
      ask('Removing', subject, path, signal, ({ home }) => remove(home, path, recursive)),
    pack: (subject, path, signal) => ask('Packing', subject, path, signal, ({ home }) => packTree(home, path, signal)),
    unpack: async (subject, path, source, signal) => {
      const unpacked = await ask('Unpacking into', subject, path, signal, (directory) =>
        unpackTree(directory, path, source, signal),
      )
      source.destroy()
      return unpacked
    },
  }
}

async function move(home: string, from: string, to: string): Promise<FileOutcome<void>> {
  const [root, source] = [await locate(home, '.', false), await locate(home, from, false)]
  if (!root.ok) return root
  if (!source.ok) return source
  if (source.value === root.value) return refuse('denied', from)
  const what = await lstat(source.value)
  try {
    const target = await locate(home, to, false)
    if (!target.ok) return target
    const there = await lstat(target.value).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    })
    if (there !== null && (there.isDirectory() || what.isDirectory())) return refuse('exists', to)
    await rename(source.value, target.value)
    return done(undefined)
  } catch (error) {
    const refused = refusalOf(error, to)
    if (refused === null) throw error
    return refused
  }
}

async function remove(home: string, path: string, recursive: boolean): Promise<FileOutcome<void>> {
  const [root, located] = [await locate(home, '.', false), await locate(home, path, false)]
  if (!root.ok) return root
  if (!located.ok) return located
  if (located.value === root.value) return refuse('denied', path)
  const found = await lstat(located.value)
  if (!found.isDirectory()) await unlink(located.value)
  else if (recursive) await clear(located.value)
  else await rmdir(located.value)
  return done(undefined)
}
