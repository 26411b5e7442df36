import { apiErrorFrom, connectionError } from './api-error.ts'
import type { ResponseBodies, ResponseName, ResponseValidator } from './response-body.ts'
import { bodyReader } from './response-body.ts'

export interface ClientOptions {
  /** The address of the service, without a trailing slash. */
  readonly url: string
  /** Sent as `x-user`. `null`: a proxy in front of the service authenticates the caller. */
  readonly user: string | null
  /** Sent with every request, for a proxy in front of the service. */
  readonly headers?: Readonly<Record<string, string>>
  /** Debug mode: `validateResponse` of `response-validator.ts` checks every response against its schema. Off by default. */
  readonly validate?: ResponseValidator
}

/** The first page is short, so that something can be shown soon. */
const firstPageSize = 100
const pageSize = 1000

type Headers = Readonly<Record<string, string>>

export interface RequestOptions {
  readonly method?: string
  readonly headers?: Headers
  readonly body?: BodyInit
  /** Required by `fetch` for a body that is a stream. */
  readonly duplex?: 'half'
  readonly signal?: AbortSignal
}

export type HttpTransport = ReturnType<typeof httpTransport>

/** Requests to the API. All reject with an {@link ApiError}, or with the reason of an aborted `signal`. */
export function httpTransport({ url, user, headers: clientHeaders = {}, validate }: ClientOptions) {
  const api = `${url}/api/v1`
  const identityHeaders = { ...(user !== null && { 'x-user': user }), ...clientHeaders }
  const readBody = bodyReader(validate)

  /** Resolves with any response, also with a refusal. */
  async function request(address: string, options: RequestOptions = {}): Promise<Response> {
    const { method = 'GET', headers = {}, signal } = options
    const init = { ...options, headers: { ...identityHeaders, ...headers } }
    // A pooled connection may have died; requests that are safe to repeat are sent once more.
    const maxAttempts = method === 'GET' || 'idempotency-key' in headers ? 2 : 1
    for (let retriesLeft = maxAttempts - 1; ; retriesLeft--)
      try {
        return await fetch(address, init)
      } catch (error) {
        signal?.throwIfAborted()
        if (retriesLeft <= 0) throw connectionError(error)
      }
  }

  async function requestOk(address: string, options?: RequestOptions): Promise<Response> {
    const response = await request(address, options)
    if (!response.ok) throw await apiErrorFrom(response)
    return response
  }

  async function readJson<N extends ResponseName>(name: N, response: Response): Promise<ResponseBodies[N]> {
    return readBody(name, await response.json())
  }

  async function getJson<N extends ResponseName>(name: N, path: string): Promise<ResponseBodies[N]> {
    return readJson(name, await requestOk(`${api}${path}`))
  }

  /** Sends a request whose response is not needed. */
  async function send(method: string, path: string, options: Omit<RequestOptions, 'method'> = {}): Promise<void> {
    const response = await requestOk(`${api}${path}`, { method, ...options })
    await response.body?.cancel()
  }

  async function sendJson<N extends ResponseName>(
    name: N,
    method: string,
    path: string,
    options: Omit<RequestOptions, 'method'> = {},
  ): Promise<ResponseBodies[N]> {
    return readJson(name, await requestOk(`${api}${path}`, { method, ...options }))
  }

  /** Yields each page of a list, following its Link headers. */
  async function* getPages<N extends ResponseName>(
    name: N,
    path: string,
    query: Readonly<Record<string, string>> = {},
  ): AsyncGenerator<ResponseBodies[N], void, undefined> {
    let search = new URLSearchParams({ ...query, limit: String(firstPageSize) })
    for (;;) {
      const response = await requestOk(`${api}${path}?${search.toString()}`)
      yield await readJson(name, response)
      const nextQuery = /<[^>?]*\?([^>]*)>; *rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
      if (nextQuery === undefined) return
      search = new URLSearchParams(nextQuery)
      search.set('limit', String(pageSize))
    }
  }

  return { url, api, request, requestOk, readBody, readJson, getJson, send, sendJson, getPages }
}

/** The body of a request, and the header that goes with it. */
export function jsonBody(body: object, headers: Headers = {}): Pick<RequestOptions, 'headers' | 'body'> {
  return { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** 128 random bits in hex. `crypto.randomUUID` is missing on pages that were loaded without TLS. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The path of a workspace below the API. */
export const workspacePath = (id: string) => `/workspaces/${encodeURIComponent(id)}`
