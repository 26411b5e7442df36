import { type Evidence, linesByWorkspace } from './evidence.ts'
import { isAcknowledged } from './observed-response.ts'

/** Timestamps are rounded to milliseconds. */
const clockToleranceMs = 2

/**
 * Finds responses that contradict the journal: a state that a workspace never had, or had only before a state that the same client has
 * already seen; an acknowledged command without a line, or more lines than commands.
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
            ? `${user} saw ${id} in ${state} after a later state`
            : `${user} saw ${id} in ${state}, which is not in its journal`,
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
      if (!line) violations.push(`${verb} of ${id} was acknowledged to ${response.user} but is not in the journal`)
    }
    const lines = journal.filter(({ event, by }) => event === verb && by.startsWith('user:')).length
    const sentCount = matching.filter(({ status }) => status === 200 || status === 0).length
    if (lines > sentCount) violations.push(`${verb} was sent ${sentCount} times but is in the journal ${lines} times`)
  }
  return violations
}

/** The feed delivers each line of the journal once, in order, and nothing else. Lines still to be delivered are not violations. */
export function eventViolations({ events, journal }: Pick<Evidence, 'events' | 'journal'>): string[] {
  return events.flatMap((event, index) => {
    const line = journal[index]
    if (!line || line.seq !== event.seq) return [`the feed delivered line ${event.seq} instead of line ${index + 1}`]
    const matches =
      line.workspace === event.workspace &&
      line.event === event.event &&
      line.from === event.from &&
      line.to === event.to
    return matches
      ? []
      : [`the feed delivered line ${event.seq} as ${event.event} of ${event.workspace} to ${event.to}`]
  })
}
