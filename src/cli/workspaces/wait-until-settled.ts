import { setTimeout as delay } from 'node:timers/promises'
import { ApiError } from '../../client/api-error.ts'
import type { Client, HistoryLine, Workspace } from '../../client/client.ts'
import { retryableFailure } from '../../client/reconnect.ts'
import { CliError } from '../cli-error.ts'
import type { ActionResult, CommandContext } from '../command-context.ts'
import { isFailure } from './state-label.ts'

const retryDelayMs = 250

/** The `seq` of the last line of a workspace's history. */
export async function lastHistorySeq({ client }: CommandContext, id: string): Promise<number> {
  let lastSeq = 0
  for await (const page of client.history(id)) lastSeq = page.at(-1)?.seq ?? lastSeq
  return lastSeq
}

/** Waits until a command has finished, and reports its result. @throws {CliError} if the workspace does not reach `expectedStatus`. */
export async function waitAndReport(
  context: CommandContext,
  workspace: Workspace,
  afterSeq: number,
  expectedStatus: Workspace['status'] = 'running',
): ActionResult {
  const { out, json } = context
  const result = await waitUntilSettled(context, workspace, afterSeq)
  if (result === 'interrupted') return 130
  if (result === 'deleted')
    throw new CliError(`Workspace "${workspace.name}" was deleted while the command waited.`, {
      next: 'List your workspaces with: vm ls',
      code: 'workspace-not-found',
    })
  if (json) out.printJson(result)
  const { name, status, error_message: reason } = result
  if (status !== expectedStatus)
    throw new CliError(`Workspace "${name}" is ${status}${reason === undefined ? '.' : `: ${reason}`}`, {
      next:
        status === 'failed'
          ? `See its output with: vm logs ${name}. Try again with: vm start ${name}`
          : `See its state with: vm show ${name}`,
      code: 'unexpected-state',
    })
  if (json) return
  out.printLine(`Workspace "${name}" is ${status}.${status === 'running' ? ` Open a shell with: vm ssh ${name}` : ''}`)
}

/** Prints the states after the line `afterSeq` of the history on stderr, with the elapsed time, until the workspace is settled. */
async function waitUntilSettled(
  context: CommandContext,
  { id, name }: Workspace,
  afterSeq: number,
): Promise<Workspace | 'interrupted' | 'deleted'> {
  const { out } = context
  const abortController = new AbortController()
  const interrupt = () => abortController.abort()
  process.once('SIGINT', interrupt)
  const stopProgress = out.isStderrTerminal ? showProgress(context, id) : () => {}
  try {
    const workspace = await followUntilSettled(context, id, afterSeq, abortController.signal).catch((error) => {
      if (!abortController.signal.aborted) throw error
      return undefined
    })
    if (workspace) return workspace
    out.printStatus(`vm: Stopped waiting. Workspace "${name}" continues; see its state with: vm show ${name}`)
    return 'interrupted'
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return 'deleted'
    throw error
  } finally {
    process.off('SIGINT', interrupt)
    stopProgress()
    abortController.abort()
  }
}

/** Returns nothing if `signal` is aborted before the workspace is settled. */
async function followUntilSettled(
  context: CommandContext,
  id: string,
  afterSeq: number,
  signal: AbortSignal,
): Promise<Workspace | undefined> {
  const { client } = context
  const printState = statePrinter(context)
  let lastSeq = afterSeq
  let lastState: string | undefined
  for await (const page of client.history(id))
    for (const line of page.filter(({ seq }) => seq > afterSeq)) {
      printState(line)
      lastSeq = line.seq
      lastState = line.to
    }
  // A settled workspace may be ahead of what was printed: its last state is printed before it is returned.
  const settledAfter = async (state: string | undefined) => {
    const workspace = await getWithRetry(client, id, signal)
    return workspace.settled && (state === undefined || state === workspace.state) ? workspace : undefined
  }
  let settled = lastState === undefined ? undefined : await settledAfter(lastState)
  if (settled) return settled
  for await (const event of client.workspaceEvents(id, String(lastSeq), signal)) {
    if (event.kind === 'disconnected' || (event.kind === 'connected' && event.resumed)) continue
    if (event.kind === 'transition') printState(event.transition)
    settled = await settledAfter(event.kind === 'transition' ? event.transition.to : undefined)
    if (settled) return settled
  }
  return signal.aborted ? undefined : await getWithRetry(client, id, signal)
}

/** Gets a workspace, and repeats the request while the service cannot be reached: a restart of the service must not end the wait. */
async function getWithRetry(client: Client, id: string, signal: AbortSignal): Promise<Workspace> {
  for (;;) {
    try {
      return await client.get(id)
    } catch (error) {
      if (!(error instanceof ApiError) || signal.aborted) throw error
      retryableFailure(error)
      await delay(retryDelayMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

function statePrinter({ out }: CommandContext): (line: HistoryLine) => void {
  let startedAt: number | undefined
  let lastState: string | undefined
  return (line) => {
    const { at, to, reason } = line
    startedAt ??= Date.parse(at)
    if (to === lastState && reason === undefined) return
    lastState = to
    const seconds = ((Date.parse(at) - startedAt) / 1000).toFixed(1)
    const state = isFailure(line) ? out.paintStatus('red', to) : to
    out.printStatus(`${out.paintStatus('dim', `${seconds.padStart(7)} s`)}  ${state}`)
    if (reason !== undefined) out.printStatus(`           ${out.paintStatus('dim', reason)}`)
  }
}

/** Shows the progress of a slow step. Polls it, since progress is not in the event feed. */
function showProgress({ client, out }: CommandContext, id: string): () => void {
  let isStopped = false
  const timer = setInterval(() => {
    void client.get(id).then(
      ({ progress }) => isStopped || out.showTransient(progress === undefined ? '' : `           ${progress}`),
      () => {},
    )
  }, 1000)
  return () => {
    isStopped = true
    clearInterval(timer)
    out.showTransient('')
  }
}
