import type { TransitionEvent } from '../wire/event.ts'
import type { Health, Readiness } from '../wire/health.ts'
import type { HistoryLine } from '../wire/history.ts'
import type { Template } from '../wire/template.ts'
import type { Ticket } from '../wire/ticket.ts'
import type { AmendWorkspace, CreateWorkspace, Workspace } from '../wire/workspace.ts'
import { ApiError, errorOf } from './api-error.ts'
import type { Told } from './event-feed.ts'
import { followed } from './event-feed.ts'
import type { Shell, ShellWish } from './shell.ts'
import { openShell } from './shell.ts'

export type { AmendWorkspace, CreateWorkspace, HistoryLine, Readiness, Template, TransitionEvent, Workspace }

/** What a page of a list asks for; `owner` is for operators. */
export interface ListFilter {
  readonly status?: Workspace['status']
  readonly name?: string
  readonly template?: string
  readonly owner?: string
}

export interface ClientDeps {
  /** Where the service is, without a slash at its end. */
  readonly url: string
  /** Sent as `x-user`; `null`: a proxy in front says who asks. */
  readonly user: string | null
}

export type Client = ReturnType<typeof apiClient>

/** The first page is short, so that something can be seen soon. */
const firstLength = 100
const pageLength = 1000

/**
 * The API over fetch, in a browser or in Node. Every method rejects with an {@link ApiError} when the service refuses or does not answer;
 * reads may be repeated, and so may commands: the second is then refused, or makes no difference.
 */
export function apiClient({ url, user }: ClientDeps) {
  const api = `${url}/api/v1`
  const who = user === null ? {} : { 'x-user': user }

  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    let answer: Response
    try {
      answer = await fetch(path, { ...init, headers: { ...who, ...Object(init.headers) } })
    } catch (error) {
      throw new ApiError(0, { error: 'The service cannot be reached. Is it running?', code: 'unreachable' }, error)
    }
    return answer
  }

  async function got(path: string, init?: RequestInit): Promise<Response> {
    const answer = await ask(path, init)
    if (!answer.ok) throw await errorOf(answer)
    return answer
  }

  async function read<T>(path: string): Promise<T> {
    return (await (await got(`${api}${path}`)).json()) as T
  }

  async function send<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await got(`${api}${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
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

  const at = (id: string) => `/workspaces/${encodeURIComponent(id)}`
  const command = (type: 'start' | 'stop' | 'restart') => (id: string) => send<Workspace>('POST', `${at(id)}/${type}`)

  return {
    /** All workspaces, newest first, a page at a time. */
    list: (filter: ListFilter = {}) => pages<Workspace>('/workspaces', { ...filter }),
    get: (id: string) => read<Workspace>(at(id)),
    /** What happened to a workspace, oldest first, a page at a time; also once it is deleted. */
    history: (id: string) => pages<HistoryLine>(`${at(id)}/history`, {}),
    templates: () => read<Template[]>('/templates'),
    health: async () => (await (await got(`${url}/health`)).json()) as Health,
    /** Whether the service can do its work. Not being able to is an answer too, not a failure. */
    async readiness(): Promise<Readiness> {
      const answer = await ask(`${url}/health/ready`)
      if (!answer.ok && answer.status !== 503) throw await errorOf(answer)
      return (await answer.json()) as Readiness
    },
    /** The diagram of a machine, as SVG text. */
    statechart: async (machine: string) =>
      (await got(`${api}/statecharts/${encodeURIComponent(machine)}`, { headers: { accept: 'image/svg+xml' } })).text(),
    /** Whether one sees and commands everybody's workspaces: only operators may ask for those being deleted. */
    async isOperator(): Promise<boolean> {
      const answer = await ask(`${api}/workspaces?owner=*&status=deleting&limit=1`)
      if (answer.ok || answer.status === 400) return answer.ok
      throw await errorOf(answer)
    },
    create: (wish: CreateWorkspace) => send<Workspace>('POST', '/workspaces', wish),
    start: command('start'),
    stop: command('stop'),
    restart: command('restart'),
    delete: async (id: string): Promise<void> => void (await send('DELETE', at(id))),
    amend: (id: string, change: AmendWorkspace) => send<Workspace>('PATCH', at(id), change),
    /** A shell in a running workspace; nothing is asked before its events are read. */
    shell: (id: string, wish: ShellWish): Shell =>
      openShell({ url: `${api}${at(id)}/shell`, ticket: () => send<Ticket>('POST', '/tickets'), ask }, wish),
    /**
     * Every transition as it is committed, after the event `after` or from now on. It outlives lost connections and tells of them; it ends
     * with `signal`.
     */
    events: (after: string | null, signal: AbortSignal): AsyncGenerator<Told, void, undefined> =>
      followed(
        (last, until) =>
          ask(`${api}/events`, { signal: until, ...(last !== null && { headers: { 'last-event-id': last } }) }),
        after,
        signal,
      ),
  }
}
