import type { TransitionEvent } from '../wire/event.ts'
import type { HealthResponse, Readiness } from '../wire/health.ts'
import type { HistoryLine } from '../wire/history.ts'
import type { Snapshot } from '../wire/snapshot.ts'
import type { TemplateResponse } from '../wire/template.ts'
import type { Ticket } from '../wire/runtime/shell.ts'
import type { PatchWorkspaceBody, CreateWorkspaceBody, Workspace } from '../wire/workspace.ts'
import { apiErrorFrom } from './api-error.ts'
import type { ClientOptions } from './http-transport.ts'
import { httpTransport, randomId, workspacePath as at } from './http-transport.ts'
import type { TransitionFeedEvent } from './event-feed.ts'
import { followEventFeed } from './event-feed.ts'
import { execApi } from './exec.ts'
import { filesApi } from './files.ts'
import { logReader } from './logs.ts'
import { operatorApi } from './operator.ts'
import type { Shell, ClientShellOptions } from './shell.ts'
import { openShell } from './shell.ts'

export { ApiError } from './api-error.ts'
export type { ClientOptions } from './http-transport.ts'
export type { TransitionFeedEvent } from './event-feed.ts'
export type { Exec, ExecEvent, ClientExecOptions, ExecSignal } from './exec.ts'
export type { FilesApi } from './files.ts'
export type { LogEvent, ClientLogOptions } from './logs.ts'
export type { AdoptOrphanBody, OperationsResponse, OrphanResponse } from './operator.ts'
export type { Shell, ShellEvent, ShellSize, ShellSocket, ClientShellOptions } from './shell.ts'
export type { ExecSummary } from '../wire/runtime/exec.ts'
export type { FileEntryResponse } from '../wire/runtime/file.ts'
export type { LogLine } from '../wire/runtime/log.ts'
export type {
  PatchWorkspaceBody,
  CreateWorkspaceBody,
  HistoryLine,
  Readiness,
  Snapshot,
  TemplateResponse,
  TransitionEvent,
  Workspace,
}

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
export function apiClient(deps: ClientOptions) {
  const transport = httpTransport(deps)
  const { url, api, ask: request, got: requestOk, read: getJson, send: sendJson, pages: getPages } = transport
  const sendCommand = (type: 'start' | 'stop' | 'restart') => (id: string) =>
    sendJson<Workspace>('POST', `${at(id)}/${type}`)
  const followFeed = (path: string, after: string | null, signal: AbortSignal) =>
    followEventFeed(
      (lastEventId, connectionSignal) =>
        request(`${api}${path}`, {
          signal: connectionSignal,
          ...(lastEventId !== null && { headers: { 'last-event-id': lastEventId } }),
        }),
      after,
      signal,
    )

  const get = (id: string) => getJson<Workspace>(at(id))
  const workspaceEvents = (id: string, after: string | null, signal: AbortSignal) =>
    followFeed(`${at(id)}/events`, after, signal)

  return {
    /** All workspaces, newest first, a page at a time. */
    list: (filter: ListFilter = {}) => getPages<Workspace>('/workspaces', { ...filter }),
    get,
    /** Waits until a workspace is as `is` says, and answers it. Rejects once it is deleted, and with what `signal` was aborted with. */
    async waitUntil(id: string, predicate: (workspace: Workspace) => boolean, signal: AbortSignal): Promise<Workspace> {
      for await (const event of workspaceEvents(id, null, signal)) {
        const workspace = event.kind === 'lost' ? undefined : await get(id)
        if (workspace && predicate(workspace)) return workspace
      }
      signal.throwIfAborted()
      return await get(id)
    },
    /** What happened to a workspace, oldest first, a page at a time; also once it is deleted. */
    history: (id: string) => getPages<HistoryLine>(`${at(id)}/history`, {}),
    /** What the statechart of a workspace remembers. */
    snapshot: (id: string) => getJson<Snapshot>(`${at(id)}/snapshot`),
    templates: () => getJson<TemplateResponse[]>('/templates'),
    health: async () => (await (await requestOk(`${url}/health`)).json()) as HealthResponse,
    /** Whether the service can do its work. Not being able to is an answer too, not a failure. */
    async readiness(): Promise<Readiness> {
      const response = await request(`${url}/health/ready`)
      if (!response.ok && response.status !== 503) throw await apiErrorFrom(response)
      return (await response.json()) as Readiness
    },
    /** The diagram of a machine, as SVG text. */
    statechart: async (machine: string) =>
      (
        await requestOk(`${api}/statecharts/${encodeURIComponent(machine)}`, { headers: { accept: 'image/svg+xml' } })
      ).text(),
    /** Whether one sees and commands everybody's workspaces: only operators may ask for those being deleted. */
    async isOperator(): Promise<boolean> {
      const response = await request(`${api}/workspaces?owner=*&status=deleting&limit=1`)
      if (response.ok || response.status === 400) return response.ok
      throw await apiErrorFrom(response)
    },
    create: (body: CreateWorkspaceBody) =>
      sendJson<Workspace>('POST', '/workspaces', body, { 'idempotency-key': randomId() }),
    start: sendCommand('start'),
    stop: sendCommand('stop'),
    restart: sendCommand('restart'),
    delete: async (id: string): Promise<void> => void (await sendJson('DELETE', at(id))),
    update: (id: string, patch: PatchWorkspaceBody) => sendJson<Workspace>('PATCH', at(id), patch),
    /** Stands for who asks, where no header can be sent: once, for 30 seconds. */
    ticket: () => sendJson<Ticket>('POST', '/tickets'),
    /** A shell in a running workspace; nothing is asked before its events are read. */
    shell: (id: string, options: ClientShellOptions): Shell =>
      openShell({ url: `${api}${at(id)}/shell`, ticket: () => sendJson<Ticket>('POST', '/tickets'), request }, options),
    ...operatorApi(transport),
    ...execApi(transport),
    files: (id: string) => filesApi(transport, id),
    logs: logReader(transport),
    /**
     * Every transition as it is committed, after the event `after` or from now on. It outlives lost connections and tells of them; it ends
     * with `signal`.
     */
    events: (after: string | null, signal: AbortSignal): AsyncGenerator<TransitionFeedEvent, void, undefined> =>
      followFeed('/events', after, signal),
    /** The same for one workspace; it ends with the workspace too. The `seq` of a line of its history serves as `after`. */
    eventsOf: workspaceEvents,
  }
}
