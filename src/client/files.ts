import { ApiError } from './api-error.ts'
import type { ByteSource } from './bytes.ts'
import { streamingBody } from './bytes.ts'
import type { HttpTransport } from './http-transport.ts'
import { jsonBody, workspacePath } from './http-transport.ts'

export type FilesApi = ReturnType<typeof filesApi>

type FileContent = string | Uint8Array<ArrayBuffer> | Blob | ByteSource

/**
 * The files of a running workspace. A path is absolute, or relative to the workspace folder. Contents are streamed and never held in memory;
 * an upload that is cut off changes nothing in the workspace.
 */
export function filesApi(
  { api, requestOk, getJson, send }: Pick<HttpTransport, 'api' | 'requestOk' | 'getJson' | 'send'>,
  id: string,
) {
  const basePath = `${workspacePath(id)}/files`
  const pathFor = (subpath: string, query: Readonly<Record<string, string>>) =>
    `${basePath}${subpath}?${new URLSearchParams(query).toString()}`

  async function getStream(path: string, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { body } = await requestOk(`${api}${path}`, signal && { signal })
    return withApiErrors(body ?? new Blob([]).stream())
  }

  function putContent(path: string, contentType: string, content: FileContent, signal?: AbortSignal): Promise<void> {
    const isBuffered = typeof content === 'string' || content instanceof Uint8Array || content instanceof Blob
    return send('PUT', path, {
      headers: { 'content-type': contentType },
      ...(isBuffered ? { body: content } : streamingBody(content)),
      ...(signal && { signal }),
    })
  }

  return {
    /** Describes a file, directory or link; a link is not followed. */
    stat: (path: string) => getJson('fileEntry', pathFor('/stat', { path })),
    /** The entries of a directory, in no particular order. */
    list: (path: string) => getJson('fileEntries', pathFor('/list', { path })),
    /** The bytes of a file. The stream fails if the connection is lost before its end. */
    read: (path: string, signal?: AbortSignal) => getStream(pathFor('', { path }), signal),
    /**
     * Replaces a file, or creates it in an existing directory. `mode`: permission bits in octal, such as `0644`; by default those of the
     * existing file.
     */
    write: (path: string, content: FileContent, { mode, signal }: { mode?: string; signal?: AbortSignal } = {}) =>
      putContent(
        pathFor('', { path, ...(mode !== undefined && { mode }) }),
        'application/octet-stream',
        content,
        signal,
      ),
    append: (path: string, content: FileContent, signal?: AbortSignal) =>
      putContent(pathFor('', { path, append: 'true' }), 'application/octet-stream', content, signal),
    /** Creates a directory, with its parents. */
    makeDirectory: (path: string) => send('POST', `${basePath}/directory`, jsonBody({ path })),
    move: (from: string, to: string) => send('POST', `${basePath}/move`, jsonBody({ from, to })),
    /** Removes a file, or a directory; one that is not empty only if `recursive`. */
    remove: (path: string, { recursive = false }: { recursive?: boolean } = {}) =>
      send('DELETE', pathFor('', { path, ...(recursive && { recursive: 'true' }) })),
    /** A tar archive of a directory's contents, or of one file. */
    readTree: (path: string, signal?: AbortSignal) => getStream(pathFor('/tree', { path }), signal),
    /** Extracts a tar archive into a directory, which is created if necessary. */
    writeTree: (path: string, content: FileContent, signal?: AbortSignal) =>
      putContent(pathFor('/tree', { path }), 'application/x-tar', content, signal),
  }
}

/** The same bytes; a lost connection fails with an {@link ApiError}. */
function withApiErrors(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          const message = 'The connection was lost before the response was complete.'
          controller.error(new ApiError(0, { error: message, code: 'cut-off' }, error))
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
