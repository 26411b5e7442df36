import type { HistoryLine, Workspace } from '../client/client.ts'
import { ApiError } from '../client/api-error.ts'
import type { Session } from './session.ts'

/** States in which nothing is under way. */
const atRest = ['running.up', 'stopped.idle', 'failed', 'deleted']

/** The number of the last line in a workspace's history. */
export async function placeInHistory({ client }: Session, id: string): Promise<number> {
  let last = 0
  for await (const page of client.history(id)) last = page.at(-1)?.seq ?? last
  return last
}

/**
 * Shows on stderr the states that a workspace passes, with the time since the first, until it is at rest; `after` is the line of its history that was
 * the last before. Answers it as it is then, or what is to be said if it cannot be waited for: `left` after Ctrl-C, `gone` if it was deleted.
 */
export async function followStates(
  session: Session,
  { id, name }: Workspace,
  after: number,
): Promise<Workspace | 'left' | 'gone'> {
  const { client, out } = session
  const over = new AbortController()
  let left = false
  const leave = () => {
    left = true
    over.abort()
  }
  process.once('SIGINT', leave)
  const stopTelling = out.isWatched ? tellProgress(session, id) : () => {}
  const show = stateLines(session)
  try {
    let last = after
    let ended = false
    for await (const page of client.history(id))
      for (const line of page.filter(({ seq }) => seq > after)) {
        show(line)
        last = line.seq
        ended = atRest.includes(line.to)
      }
    if (!ended)
      for await (const told of client.eventsOf(id, String(last), over.signal)) {
        if (told.kind !== 'transition') continue
        show(told.transition)
        if (atRest.includes(told.transition.to)) break
      }
    if (left) {
      out.note(`${name} goes on without you: \`vm show ${name}\` says how far it is.`)
      return 'left'
    }
    return await client.get(id)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return 'gone'
    throw error
  } finally {
    process.off('SIGINT', leave)
    stopTelling()
    over.abort()
  }
}

function stateLines({ out }: Session): (line: HistoryLine) => void {
  let begun: number | undefined
  let shown: string | undefined
  return ({ at, to, reason }) => {
    begun ??= Date.parse(at)
    if (to === shown && reason === undefined) return
    shown = to
    const seconds = ((Date.parse(at) - begun) / 1000).toFixed(1)
    const style = to === 'failed' ? 'red' : to === 'running.up' ? 'green' : undefined
    out.note(`${out.paintNote('dim', `${seconds.padStart(7)} s`)}  ${style ? out.paintNote(style, to) : to}`)
    if (reason !== undefined) out.note(`           ${out.paintNote('dim', reason)}`)
  }
}

/** What a step says of itself while it takes long; it is asked for, since nothing tells of it. */
function tellProgress({ client, out }: Session, id: string): () => void {
  const timer = setInterval(() => {
    void client.get(id).then(
      ({ progress }) => over || out.passing(progress === undefined ? '' : `           ${progress}`),
      () => {},
    )
  }, 1000)
  let over = false
  return () => {
    over = true
    clearInterval(timer)
    out.passing('')
  }
}
