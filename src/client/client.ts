import type { TransitionEvent } from '../wire/event.ts'
import type { Health, Readiness } from '../wire/health.ts'
import type { HistoryLine } from '../wire/history.ts'
import type { Snapshot } from '../wire/snapshot.ts'
import type { Template } from '../wire/template.ts'
import type { Ticket } from '../wire/ticket.ts'
import type { AmendWorkspace, CreateWorkspace, Workspace } from '../wire/workspace.ts'
import { errorOf } from './api-error.ts'
import type { ClientDeps } from './asking.ts'
import { asking, newKey, workspacePath as at } from './asking.ts'
import type { Told } from './event-feed.ts'
import { followed } from './event-feed.ts'
import { execsOf } from './execs.ts'
import { filesOf } from './files.ts'
import { logsOf } from './logs.ts'
import { operatorsOf } from './operators.ts'
import type { Shell, ShellWish } from './shell.ts'
import { openShell } from './shell.ts'

export { ApiError } from './api-error.ts'
export type { ClientDeps } from './asking.ts'
export type { Told } from './event-feed.ts'
export type { Exec, ExecEvent, ExecWish, RunSignal } from './execs.ts'
export type { Files } from './files.ts'
export type { LogEvent, LogWish } from './logs.ts'
export type { AdoptStray, Operations, Stray } from './operators.ts'
export type { Shell, ShellEvent, ShellSize, ShellSocket, ShellWish } from './shell.ts'
export type { ExecRun } from '../wire/exec.ts'
export type { FileEntryShown } from '../wire/file.ts'
export type { LogLine } from '../wire/log.ts'
export type { AmendWorkspace, CreateWorkspace, HistoryLine, Readiness, Snapshot, Template, TransitionEvent, Workspace }

/** What a page of a list asks for; `owner` is for operators. */
export interface ListFilter {
  readonly status?: Workspace['status']
  readonly name?: string
  readonly template?: string
  readonly owner?: string
}

export type Client = ReturnType<typeof apiClient>

/**
 * The API over fetch, in a browser or in Node. Every method rejects with an {@link ApiError} when the service refuses or does not answer;
 * reads may be repeated, and so may commands: the second is then refused, or makes no difference. A create
 * that gets no answer is repeated once, as the same request.
 */
export function apiClient(deps: ClientDeps) {
  const asked = asking(deps)
  const { url, api, ask, got, read, send, pages } = asked
  const command = (type: 'start' | 'stop' | 'restart') => (id: string) => send<Workspace>('POST', `${at(id)}/${type}`)
  const feedAt = (path: string, after: string | null, signal: AbortSignal) =>
    followed(
      (last, until) =>
        ask(`${api}${path}`, { signal: until, ...(last !== null && { headers: { 'last-event-id': last } }) }),
      after,
      signal,
    )

  const get = (id: string) => read<Workspace>(at(id))
  const eventsOf = (id: string, after: string | null, signal: AbortSignal) => feedAt(`${at(id)}/events`, after, signal)

  return {
    /** All workspaces, newest first, a page at a time. */
    list: (filter: ListFilter = {}) => pages<Workspace>('/workspaces', { ...filter }),
    get,
    /** Waits until a workspace is as `is` says, and answers it. Rejects once it is deleted, and with what `signal` was aborted with. */
    async until(id: string, is: (workspace: Workspace) => boolean, signal: AbortSignal): Promise<Workspace> {
      for await (const told of eventsOf(id, null, signal)) {
        const now = told.kind === 'lost' ? undefined : await get(id)
        if (now && is(now)) return now
      }
      signal.throwIfAborted()
      return await get(id)
    },
    /** What happened to a workspace, oldest first, a page at a time; also once it is deleted. */
    history: (id: string) => pages<HistoryLine>(`${at(id)}/history`, {}),
    /** What the statechart of a workspace remembers. */
    snapshot: (id: string) => read<Snapshot>(`${at(id)}/snapshot`),
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
    create: (wish: CreateWorkspace) => send<Workspace>('POST', '/workspaces', wish, { 'idempotency-key': newKey() }),
    start: command('start'),
    stop: command('stop'),
    restart: command('restart'),
    delete: async (id: string): Promise<void> => void (await send('DELETE', at(id))),
    amend: (id: string, change: AmendWorkspace) => send<Workspace>('PATCH', at(id), change),
    /** Stands for who asks, where no header can be sent: once, for 30 seconds. */
    ticket: () => send<Ticket>('POST', '/tickets'),
    /** A shell in a running workspace; nothing is asked before its events are read. */
    shell: (id: string, wish: ShellWish): Shell =>
      openShell({ url: `${api}${at(id)}/shell`, ticket: () => send<Ticket>('POST', '/tickets'), ask }, wish),
    ...operatorsOf(asked),
    ...execsOf(asked),
    files: (id: string) => filesOf(asked, id),
    logs: logsOf(asked),
    /**
     * Every transition as it is committed, after the event `after` or from now on. It outlives lost connections and tells of them; it ends
     * with `signal`.
     */
    events: (after: string | null, signal: AbortSignal): AsyncGenerator<Told, void, undefined> =>
      feedAt('/events', after, signal),
    /** The same for one workspace; it ends with the workspace too. The `seq` of a line of its history serves as `after`. */
    eventsOf,
  }
}
