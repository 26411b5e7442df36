import type { FileEntryShown } from '../wire/file.ts'
import { ApiError } from './api-error.ts'
import type { Asking } from './asking.ts'
import { workspacePath } from './asking.ts'
import type { Source } from './piece.ts'
import { streamed } from './piece.ts'

export type Files = ReturnType<typeof filesOf>

type Body = string | Uint8Array<ArrayBuffer> | Blob | Source

/**
 * The files of a running workspace. A path is absolute inside it, or relative to the folder that it works in. What is read and written is streamed, and
 * never held in memory; what is cut off half-way has changed nothing in the workspace.
 */
export function filesOf({ api, got }: Pick<Asking, 'api' | 'got'>, id: string) {
  const base = `${api}${workspacePath(id)}/files`
  const at = (below: string, query: Readonly<Record<string, string>>) =>
    `${base}${below}?${new URLSearchParams(query).toString()}`

  async function json<T>(address: string): Promise<T> {
    return (await (await got(address)).json()) as T
  }

  async function stream(address: string, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { body } = await got(address, signal && { signal })
    return whole(body ?? new Blob([]).stream())
  }

  async function change(address: string, init: RequestInit): Promise<void> {
    await (await got(address, init)).body?.cancel()
  }

  async function put(address: string, type: string, source: Body, signal?: AbortSignal): Promise<void> {
    const isWhole = typeof source === 'string' || source instanceof Uint8Array || source instanceof Blob
    await change(address, {
      method: 'PUT',
      headers: { 'content-type': type },
      ...(isWhole ? { body: source } : streamed(source)),
      ...(signal && { signal }),
    })
  }

  const post = (below: string, body: object) =>
    change(`${base}${below}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  return {
    /** What is there; of a link, the link itself. */
    stat: (path: string) => json<FileEntryShown>(at('/stat', { path })),
    /** What is in a directory, in no order. */
    list: (path: string) => json<FileEntryShown[]>(at('/list', { path })),
    /** A file's bytes. The stream fails if they cannot be read to the end. */
    read: (path: string, signal?: AbortSignal) => stream(at('', { path }), signal),
    /** Writes a file whole; its directory must be there. `mode`: permission bits in octal, `0644` say; by default those that it has. */
    write: (path: string, source: Body, { mode, signal }: { mode?: string; signal?: AbortSignal } = {}) =>
      put(at('', { path, ...(mode !== undefined && { mode }) }), 'application/octet-stream', source, signal),
    append: (path: string, source: Body, signal?: AbortSignal) =>
      put(at('', { path, append: 'true' }), 'application/octet-stream', source, signal),
    /** Makes a directory, and those above it. */
    makeDirectory: (path: string) => post('/directory', { path }),
    move: (from: string, to: string) => post('/move', { from, to }),
    /** Removes a file, or a directory: with what is in it only if `recursive`. */
    remove: (path: string, { recursive = false }: { recursive?: boolean } = {}) =>
      change(at('', { path, ...(recursive && { recursive: 'true' }) }), { method: 'DELETE' }),
    /** A tar stream of what is in a directory, or of one file. */
    readTree: (path: string, signal?: AbortSignal) => stream(at('/tree', { path }), signal),
    /** Puts what is in a tar stream into a directory, which is made if it is not there. */
    writeTree: (path: string, source: Body, signal?: AbortSignal) =>
      put(at('/tree', { path }), 'application/x-tar', source, signal),
  }
}

/** The same bytes; one that breaks off fails in words. */
function whole(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(to) {
        try {
          const { done, value } = await reader.read()
          if (done) to.close()
          else to.enqueue(value)
        } catch (error) {
          to.error(
            new ApiError(0, { error: 'The connection was lost before all of it had come.', code: 'cut-off' }, error),
          )
        }
      },
      cancel: (why) => reader.cancel(why),
    },
    { highWaterMark: 0 },
  )
}
