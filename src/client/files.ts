import type { FileEntryResponse } from '../wire/runtime/file.ts'
import { ApiError } from './api-error.ts'
import type { HttpTransport } from './http-transport.ts'
import { workspacePath } from './http-transport.ts'
import type { ByteSource } from './encoded-bytes.ts'
import { streamingBody } from './encoded-bytes.ts'

export type FilesApi = ReturnType<typeof filesApi>

type FileContent = string | Uint8Array<ArrayBuffer> | Blob | ByteSource

/**
 * The files of a running workspace. A path is absolute inside it, or relative to the folder that it works in. What is read and written is streamed, and
 * never held in memory; what is cut off half-way has changed nothing in the workspace.
 */
export function filesApi({ api, got: requestOk }: Pick<HttpTransport, 'api' | 'got'>, id: string) {
  const baseUrl = `${api}${workspacePath(id)}/files`
  const urlFor = (subpath: string, query: Readonly<Record<string, string>>) =>
    `${baseUrl}${subpath}?${new URLSearchParams(query).toString()}`

  async function getJson<T>(url: string): Promise<T> {
    return (await (await requestOk(url)).json()) as T
  }

  async function getStream(url: string, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { body } = await requestOk(url, signal && { signal })
    return withReadableErrors(body ?? new Blob([]).stream())
  }

  async function sendRequest(url: string, init: RequestInit): Promise<void> {
    await (await requestOk(url, init)).body?.cancel()
  }

  async function putContent(
    url: string,
    contentType: string,
    content: FileContent,
    signal?: AbortSignal,
  ): Promise<void> {
    const isBuffered = typeof content === 'string' || content instanceof Uint8Array || content instanceof Blob
    await sendRequest(url, {
      method: 'PUT',
      headers: { 'content-type': contentType },
      ...(isBuffered ? { body: content } : streamingBody(content)),
      ...(signal && { signal }),
    })
  }

  const postJson = (subpath: string, body: object) =>
    sendRequest(`${baseUrl}${subpath}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  return {
    /** What is there; of a link, the link itself. */
    stat: (path: string) => getJson<FileEntryResponse>(urlFor('/stat', { path })),
    /** What is in a directory, in no order. */
    list: (path: string) => getJson<FileEntryResponse[]>(urlFor('/list', { path })),
    /** A file's bytes. The stream fails if they cannot be read to the end. */
    read: (path: string, signal?: AbortSignal) => getStream(urlFor('', { path }), signal),
    /** Writes a file whole; its directory must be there. `mode`: permission bits in octal, `0644` say; by default those that it has. */
    write: (path: string, content: FileContent, { mode, signal }: { mode?: string; signal?: AbortSignal } = {}) =>
      putContent(
        urlFor('', { path, ...(mode !== undefined && { mode }) }),
        'application/octet-stream',
        content,
        signal,
      ),
    append: (path: string, content: FileContent, signal?: AbortSignal) =>
      putContent(urlFor('', { path, append: 'true' }), 'application/octet-stream', content, signal),
    /** Makes a directory, and those above it. */
    makeDirectory: (path: string) => postJson('/directory', { path }),
    move: (from: string, to: string) => postJson('/move', { from, to }),
    /** Removes a file, or a directory: with what is in it only if `recursive`. */
    remove: (path: string, { recursive = false }: { recursive?: boolean } = {}) =>
      sendRequest(urlFor('', { path, ...(recursive && { recursive: 'true' }) }), { method: 'DELETE' }),
    /** A tar stream of what is in a directory, or of one file. */
    readTree: (path: string, signal?: AbortSignal) => getStream(urlFor('/tree', { path }), signal),
    /** Puts what is in a tar stream into a directory, which is made if it is not there. */
    writeTree: (path: string, content: FileContent, signal?: AbortSignal) =>
      putContent(urlFor('/tree', { path }), 'application/x-tar', content, signal),
  }
}

/** The same bytes; one that breaks off fails in words. */
function withReadableErrors(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          controller.error(
            new ApiError(0, { error: 'The connection was lost before all of it had come.', code: 'cut-off' }, error),
          )
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
