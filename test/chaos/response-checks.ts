import { type Evidence, linesByWorkspace } from './evidence.ts'
import { isAcknowledged } from './observed-response.ts'

/** Clocks tell milliseconds, and a request is sent within one. */
const clockToleranceMs = 2

/**
 * What clients were told and the journal does not know: a state that a workspace was never in, or was in only before one that the same
 * client had seen already; a command that was acknowledged and left no line, or left more lines than it was given.
 */
export function responseViolations({ responses, journal }: Pick<Evidence, 'responses' | 'journal'>): string[] {
  const histories = linesByWorkspace(journal)
  const violations: string[] = []
  const positions = new Map<string, number>()
  for (const { user, workspaces } of responses)
    for (const { id, state } of workspaces) {
      const lines = histories.get(id) ?? []
      const from = positions.get(`${user} ${id}`) ?? 0
      const position = lines.findIndex((line, index) => index >= from && line.to === state)
      if (position < 0)
        violations.push(
          lines.some(({ to }) => to === state)
            ? `${user} was told of ${id} in ${state} after it had left that state before`
            : `${user} was told of ${id} in ${state}, which its journal does not know`,
        )
      else positions.set(`${user} ${id}`, position)
    }
  for (const verb of ['start', 'stop', 'restart', 'update'] as const) {
    const matching = responses.filter((response) => response.request.verb === verb)
    for (const response of matching.filter(isAcknowledged)) {
      const id = 'id' in response.request ? response.request.id : ''
      const line = (histories.get(id) ?? []).find(
        ({ event, by, at }) =>
          event === verb &&
          by === `user:${response.user}` &&
          at >= response.sentAt - clockToleranceMs &&
          at <= response.receivedAt + clockToleranceMs,
      )
      if (!line) violations.push(`${verb} of ${id} was acknowledged to ${response.user} and is not in the journal`)
    }
    const lines = journal.filter(({ event, by }) => event === verb && by.startsWith('user:')).length
    const sentCount = matching.filter(({ status }) => status === 200 || status === 0).length
    if (lines > sentCount) violations.push(`${verb} was given ${sentCount} times and is in the journal ${lines} times`)
  }
  return violations
}

/** The feed has told each line of the journal once, in order, and nothing else. Of what it has not told yet nothing is said. */
export function eventViolations({ events, journal }: Pick<Evidence, 'events' | 'journal'>): string[] {
  return events.flatMap((event, index) => {
    const line = journal[index]
    if (!line || line.seq !== event.seq) return [`the feed told of line ${event.seq} where line ${index + 1} was due`]
    const matches =
      line.workspace === event.workspace &&
      line.event === event.event &&
      line.from === event.from &&
      line.to === event.to
    return matches ? [] : [`the feed told of line ${event.seq} as ${event.event} of ${event.workspace} to ${event.to}`]
  })
}
