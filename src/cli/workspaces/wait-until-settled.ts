import type { HistoryLine, Workspace } from '../../client/client.ts'
import { ApiError } from '../../client/api-error.ts'
import type { CommandContext } from '../command-context.ts'

/** States in which nothing is under way. */
const settledStates = ['running.up', 'stopped.idle', 'failed', 'deleted']

/** The number of the last line in a workspace's history. */
export async function lastHistorySeq({ client }: CommandContext, id: string): Promise<number> {
  let lastSeq = 0
  for await (const page of client.history(id)) lastSeq = page.at(-1)?.seq ?? lastSeq
  return lastSeq
}

/**
 * Shows on stderr the states that a workspace passes, with the time since the first, until it is at rest; `after` is the line of its history that was
 * the last before. Answers it as it is then, or what is to be said if it cannot be waited for: `left` after Ctrl-C, `gone` if it was deleted.
 */
export async function waitUntilSettled(
  context: CommandContext,
  { id, name }: Workspace,
  afterSeq: number,
): Promise<Workspace | 'left' | 'gone'> {
  const { client, out } = context
  const abortController = new AbortController()
  let isInterrupted = false
  const interrupt = () => {
    isInterrupted = true
    abortController.abort()
  }
  process.once('SIGINT', interrupt)
  const stopProgress = out.isStderrTerminal ? showProgress(context, id) : () => {}
  const printState = statePrinter(context)
  try {
    let lastSeq = afterSeq
    let isSettled = false
    for await (const page of client.history(id))
      for (const line of page.filter(({ seq }) => seq > afterSeq)) {
        printState(line)
        lastSeq = line.seq
        isSettled = settledStates.includes(line.to)
      }
    if (!isSettled)
      for await (const event of client.workspaceEvents(id, String(lastSeq), abortController.signal)) {
        if (event.kind !== 'transition') continue
        printState(event.transition)
        if (settledStates.includes(event.transition.to)) break
      }
    if (isInterrupted) {
      out.printStatus(`${name} goes on without you: \`vm show ${name}\` says how far it is.`)
      return 'left'
    }
    return await client.get(id)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return 'gone'
    throw error
  } finally {
    process.off('SIGINT', interrupt)
    stopProgress()
    abortController.abort()
  }
}

function statePrinter({ out }: CommandContext): (line: HistoryLine) => void {
  let startedAt: number | undefined
  let lastState: string | undefined
  return ({ at, to, reason }) => {
    startedAt ??= Date.parse(at)
    if (to === lastState && reason === undefined) return
    lastState = to
    const seconds = ((Date.parse(at) - startedAt) / 1000).toFixed(1)
    const style = to === 'failed' ? 'red' : to === 'running.up' ? 'green' : undefined
    out.printStatus(`${out.paintStatus('dim', `${seconds.padStart(7)} s`)}  ${style ? out.paintStatus(style, to) : to}`)
    if (reason !== undefined) out.printStatus(`           ${out.paintStatus('dim', reason)}`)
  }
}

/** What a step says of itself while it takes long; it is asked for, since nothing tells of it. */
function showProgress({ client, out }: CommandContext, id: string): () => void {
  const timer = setInterval(() => {
    void client.get(id).then(
      ({ progress }) => isStopped || out.showTransient(progress === undefined ? '' : `           ${progress}`),
      () => {},
    )
  }, 1000)
  let isStopped = false
  return () => {
    isStopped = true
    clearInterval(timer)
    out.showTransient('')
  }
}
