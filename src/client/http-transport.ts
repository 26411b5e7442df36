import { ApiError, apiErrorFrom } from './api-error.ts'

export interface ClientOptions {
  /** Where the service is, without a slash at its end. */
  readonly url: string
  /** Sent as `x-user`; `null`: a proxy in front says who asks. */
  readonly user: string | null
  /** Sent with every request: what a proxy in front wants. Those of a request itself come before them. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The first page is short, so that something can be seen soon. */
const firstPageSize = 100
const pageSize = 1000

export type HttpTransport = ReturnType<typeof httpTransport>

/** How a client asks. Everything here rejects with an {@link ApiError}, and with what `signal` was aborted with. */
export function httpTransport({ url, user, headers = {} }: ClientOptions) {
  const api = `${url}/api/v1`
  const identityHeaders = { ...(user !== null && { 'x-user': user }), ...headers }

  /** Answers whatever the service does, a refusal too. */
  async function request(address: string, init: RequestInit = {}): Promise<Response> {
    const requestInit = { ...init, headers: { ...identityHeaders, ...Object(init.headers) } }
    // A connection that was kept for later may have died meanwhile: what makes no difference a second time is asked again.
    const maxAttempts = (init.method ?? 'GET') === 'GET' || 'idempotency-key' in Object(init.headers) ? 2 : 1
    for (let retriesLeft = maxAttempts - 1; ; retriesLeft--)
      try {
        return await fetch(address, requestInit)
      } catch (error) {
        init.signal?.throwIfAborted()
        if (retriesLeft <= 0) throw connectionError(error)
      }
  }

  async function requestOk(address: string, init?: RequestInit): Promise<Response> {
    const response = await request(address, init)
    if (!response.ok) throw await apiErrorFrom(response)
    return response
  }

  async function getJson<T>(path: string): Promise<T> {
    return (await (await requestOk(`${api}${path}`)).json()) as T
  }

  async function sendJson<T>(
    method: string,
    path: string,
    body?: object,
    extraHeaders?: Readonly<Record<string, string>>,
  ): Promise<T> {
    const response = await requestOk(`${api}${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json', ...extraHeaders }, body: JSON.stringify(body) }),
    })
    return (await response.json()) as T
  }

  /** Yields each page of a list; the service says where the next one is. */
  async function* getPages<T>(
    path: string,
    query: Readonly<Record<string, string>>,
  ): AsyncGenerator<T[], void, undefined> {
    let search = new URLSearchParams({ ...query, limit: String(firstPageSize) })
    for (;;) {
      const response = await requestOk(`${api}${path}?${search.toString()}`)
      yield (await response.json()) as T[]
      const nextQuery = /<[^>?]*\?([^>]*)>; *rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
      if (nextQuery === undefined) return
      search = new URLSearchParams(nextQuery)
      search.set('limit', String(pageSize))
    }
  }

  return { url, api, ask: request, got: requestOk, read: getJson, send: sendJson, pages: getPages }
}

/** Connections that were there, and were lost before the answer had come. */
const connectionLostCodes = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']

/** Why no answer came: `unreachable`, nothing was asked; `cut-off`, it may have been done or not. Browsers do not tell one from the other. */
export function connectionError(error: unknown): ApiError {
  const inner: unknown = error instanceof Error ? (error.cause ?? error) : error
  return connectionLostCodes.includes(Object(inner).code)
    ? new ApiError(0, { error: 'The connection was lost before all of the answer had come.', code: 'cut-off' }, error)
    : new ApiError(0, { error: 'The service cannot be reached. Is it running?', code: 'unreachable' }, error)
}

/** One that nobody else has. `randomUUID` is kept from pages that came without TLS. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The path of a workspace below the API. */
export const workspacePath = (id: string) => `/workspaces/${encodeURIComponent(id)}`
