import type { AdoptOrphanBody } from '../wire/orphan.ts'
import type { CreateWorkspaceBody, PatchWorkspaceBody, Workspace } from '../wire/workspace.ts'
import { apiErrorFrom } from './api-error.ts'
import type { TransitionFeedEvent } from './event-feed.ts'
import { followEventFeed } from './event-feed.ts'
import { execApi } from './exec.ts'
import { filesApi } from './files.ts'
import type { ClientOptions, HttpTransport } from './http-transport.ts'
import { httpTransport, jsonBody, randomId, workspacePath } from './http-transport.ts'
import { logReader } from './logs.ts'
import type { ClientShellOptions, Shell } from './shell.ts'
import { openShell } from './shell.ts'

export { ApiError } from './api-error.ts'
export type { ByteSource } from './bytes.ts'
export type { TransitionFeedEvent } from './event-feed.ts'
export type { ClientExecOptions, Exec, ExecEvent, ExecSignal } from './exec.ts'
export type { FilesApi } from './files.ts'
export type { ClientOptions } from './http-transport.ts'
export type { ClientLogOptions, LogEvent } from './logs.ts'
export type { DisconnectedEvent } from './reconnect.ts'
export type { ResponseBodies, ResponseName, ResponseValidator } from './response-body.ts'
export { InvalidResponseError } from './response-body.ts'
export type { ClientShellOptions, Shell, ShellEnd, ShellEvent, ShellSize } from './shell.ts'
export type { ShellSocket } from './shell-frames.ts'
export type { TransitionEvent } from '../wire/event.ts'
export type { HealthResponse, Readiness } from '../wire/health.ts'
export type { HistoryLine } from '../wire/history.ts'
export type { OperationsResponse } from '../wire/operations.ts'
export type { OrphanResponse } from '../wire/orphan.ts'
export type { ExecEnd, ExecSummary } from '../wire/runtime/exec.ts'
export type { FileEntryResponse } from '../wire/runtime/file.ts'
export type { LogLine } from '../wire/runtime/log.ts'
export type { Ticket } from '../wire/runtime/shell.ts'
export type { Snapshot } from '../wire/snapshot.ts'
export type { TemplateResponse } from '../wire/template.ts'
export type { AdoptOrphanBody, CreateWorkspaceBody, PatchWorkspaceBody, Workspace }

/** Filters of a list of workspaces. `owner` is for operators: a name, or `*` for all owners. */
export interface ListFilter {
  readonly status?: Workspace['status']
  readonly name?: string
  readonly template?: string
  readonly owner?: string
}

/** The user commands without arguments: each changes what runs. */
export type StartStopCommand = Exclude<Workspace['can'][number], 'update' | 'delete'>

export type Client = ReturnType<typeof apiClient>

/**
 * Calls the API over `fetch`, in browsers and in Node. Every method rejects with an {@link ApiError} when the service refuses or does not
 * answer. Reads and commands may be repeated: a repeated command is refused or has no effect. A create without an answer is sent again
 * once, with the same idempotency key.
 */
export function apiClient(options: ClientOptions) {
  const transport = httpTransport(options)
  return {
    ...workspaceApi(transport),
    ...execApi(transport),
    files: (id: string) => filesApi(transport, id),
    logs: logReader(transport),
    ...serviceApi(transport),
    ...operatorApi(transport),
  }
}

function workspaceApi(transport: HttpTransport) {
  const { api, request, readBody, getJson, getPages, send, sendJson } = transport
  const get = (id: string) => getJson('workspace', workspacePath(id))
  const sendCommand = (command: StartStopCommand) => (id: string) =>
    sendJson('workspace', 'POST', `${workspacePath(id)}/${command}`)
  const startStopCommands: Readonly<Record<StartStopCommand, (id: string) => Promise<Workspace>>> = {
    start: sendCommand('start'),
    stop: sendCommand('stop'),
    restart: sendCommand('restart'),
  }
  const followEvents = (path: string, after: string | null, signal: AbortSignal) =>
    followEventFeed({
      open: (lastEventId, connectionSignal) =>
        request(`${api}${path}`, {
          signal: connectionSignal,
          ...(lastEventId !== null && { headers: { 'last-event-id': lastEventId } }),
        }),
      readBody,
      after,
      signal,
    })
  const workspaceEvents = (id: string, after: string | null, signal: AbortSignal) =>
    followEvents(`${workspacePath(id)}/events`, after, signal)
  const ticket = () => sendJson('ticket', 'POST', '/tickets')

  return {
    /** Workspaces, newest first, one page at a time. */
    list: (filter: ListFilter = {}) => getPages('workspaces', '/workspaces', { ...filter }),
    get,
    create: (body: CreateWorkspaceBody) =>
      sendJson('workspace', 'POST', '/workspaces', jsonBody(body, { 'idempotency-key': randomId() })),
    ...startStopCommands,
    update: (id: string, patch: PatchWorkspaceBody) =>
      sendJson('workspace', 'PATCH', workspacePath(id), jsonBody(patch)),
    delete: (id: string) => send('DELETE', workspacePath(id)),
    /** Waits until `predicate` holds, and returns the workspace. Rejects once it is deleted, or with the reason of an aborted `signal`. */
    async waitUntil(id: string, predicate: (workspace: Workspace) => boolean, signal: AbortSignal): Promise<Workspace> {
      for await (const event of workspaceEvents(id, null, signal)) {
        const workspace = event.kind === 'disconnected' ? undefined : await get(id)
        if (workspace && predicate(workspace)) return workspace
      }
      signal.throwIfAborted()
      return await get(id)
    },
    /** The transitions of a workspace, oldest first, one page at a time; also of a deleted one. */
    history: (id: string) => getPages('historyLines', `${workspacePath(id)}/history`),
    /** The stored statechart of a workspace. */
    snapshot: (id: string) => getJson('snapshot', `${workspacePath(id)}/snapshot`),
    /** Every transition as it is committed, after the event `after` or from now on. Reconnects until `signal` is aborted. */
    events: (after: string | null, signal: AbortSignal): AsyncGenerator<TransitionFeedEvent, void, undefined> =>
      followEvents('/events', after, signal),
    /** The transitions of one workspace; ends when it is deleted. `after` is the `seq` of a line of its history. */
    workspaceEvents,
    /** Opens a shell in a running workspace. Nothing is sent before its events are read. */
    shell: (id: string, options: ClientShellOptions): Shell =>
      openShell({ url: `${api}${workspacePath(id)}/shell`, ticket, request, readBody }, options),
    /** Authenticates one WebSocket as the caller, once, within 30 seconds. */
    ticket,
  }
}

function serviceApi({ url, api, request, requestOk, readJson, getJson }: HttpTransport) {
  return {
    templates: () => getJson('templates', '/templates'),
    health: async () => readJson('health', await requestOk(`${url}/health`)),
    /** Whether the service can do its work. Resolves also when it cannot. */
    async readiness() {
      const response = await request(`${url}/health/ready`)
      if (!response.ok && response.status !== 503) throw await apiErrorFrom(response)
      return await readJson('readiness', response)
    },
    /** The diagram of a machine, as SVG text. */
    async statechart(machine: string): Promise<string> {
      const headers = { accept: 'image/svg+xml' }
      return (await requestOk(`${api}/statecharts/${encodeURIComponent(machine)}`, { headers })).text()
    },
    /** Whether the caller sees and commands the workspaces of all owners: only operators may filter by `deleting`. */
    async isOperator(): Promise<boolean> {
      const response = await request(`${api}/workspaces?owner=*&status=deleting&limit=1`)
      if (response.ok || response.status === 400) return response.ok
      throw await apiErrorFrom(response)
    },
  }
}

/** For operators; the service refuses all others. */
function operatorApi({ getJson, send, sendJson }: HttpTransport) {
  const orphanPath = (containerId: string) => `/orphans/${encodeURIComponent(containerId)}`
  return {
    /** The provisioning queue, the sweeps, and what needs an operator. */
    operations: () => getJson('operations', '/operations'),
    /** Containers that belong to no workspace. */
    orphans: () => getJson('orphans', '/orphans'),
    /** Removes an orphaned container and its files. */
    removeOrphan: (containerId: string) => send('DELETE', orphanPath(containerId)),
    /** Turns an orphaned container into a workspace again. `overrides` replaces what its labels say, or completes them. */
    adoptOrphan: (containerId: string, overrides: NonNullable<AdoptOrphanBody> = {}) =>
      sendJson('workspace', 'POST', `${orphanPath(containerId)}/adopt`, jsonBody(overrides)),
  }
}
