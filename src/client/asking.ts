import { ApiError, errorOf } from './api-error.ts'

export interface ClientDeps {
  /** Where the service is, without a slash at its end. */
  readonly url: string
  /** Sent as `x-user`; `null`: a proxy in front says who asks. */
  readonly user: string | null
  /** Sent with every request: what a proxy in front wants. Those of a request itself come before them. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The first page is short, so that something can be seen soon. */
const firstLength = 100
const pageLength = 1000

export type Asking = ReturnType<typeof asking>

/** How a client asks. Everything here rejects with an {@link ApiError}, and with what `signal` was aborted with. */
export function asking({ url, user, headers = {} }: ClientDeps) {
  const api = `${url}/api/v1`
  const who = { ...(user !== null && { 'x-user': user }), ...headers }

  /** Answers whatever the service does, a refusal too. */
  async function ask(address: string, init: RequestInit = {}): Promise<Response> {
    const request = { ...init, headers: { ...who, ...Object(init.headers) } }
    // A connection that was kept for later may have died meanwhile: what makes no difference a second time is asked again.
    const tries = (init.method ?? 'GET') === 'GET' || 'idempotency-key' in Object(init.headers) ? 2 : 1
    for (let left = tries - 1; ; left--)
      try {
        return await fetch(address, request)
      } catch (error) {
        init.signal?.throwIfAborted()
        if (left <= 0) throw unanswered(error)
      }
  }

  async function got(address: string, init?: RequestInit): Promise<Response> {
    const answer = await ask(address, init)
    if (!answer.ok) throw await errorOf(answer)
    return answer
  }

  async function read<T>(path: string): Promise<T> {
    return (await (await got(`${api}${path}`)).json()) as T
  }

  async function send<T>(
    method: string,
    path: string,
    body?: object,
    more?: Readonly<Record<string, string>>,
  ): Promise<T> {
    const answer = await got(`${api}${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json', ...more }, body: JSON.stringify(body) }),
    })
    return (await answer.json()) as T
  }

  /** Yields each page of a list; the service says where the next one is. */
  async function* pages<T>(
    path: string,
    query: Readonly<Record<string, string>>,
  ): AsyncGenerator<T[], void, undefined> {
    let search = new URLSearchParams({ ...query, limit: String(firstLength) })
    for (;;) {
      const answer = await got(`${api}${path}?${search.toString()}`)
      yield (await answer.json()) as T[]
      const next = /<[^>?]*\?([^>]*)>; *rel="next"/.exec(answer.headers.get('link') ?? '')?.[1]
      if (next === undefined) return
      search = new URLSearchParams(next)
      search.set('limit', String(pageLength))
    }
  }

  return { url, api, ask, got, read, send, pages }
}

/** Connections that were there, and were lost before the answer had come. */
const lostCodes = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']

/** Why no answer came: `unreachable`, nothing was asked; `cut-off`, it may have been done or not. Browsers do not tell one from the other. */
export function unanswered(error: unknown): ApiError {
  const inner: unknown = error instanceof Error ? (error.cause ?? error) : error
  return lostCodes.includes(Object(inner).code)
    ? new ApiError(0, { error: 'The connection was lost before all of the answer had come.', code: 'cut-off' }, error)
    : new ApiError(0, { error: 'The service cannot be reached. Is it running?', code: 'unreachable' }, error)
}

/** One that nobody else has. `randomUUID` is kept from pages that came without TLS. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The path of a workspace below the API. */
export const workspacePath = (id: string) => `/workspaces/${encodeURIComponent(id)}`
