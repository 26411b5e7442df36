import { type Evidence, linesOf } from './evidence.ts'
import { isAcknowledged } from './heard.ts'

/** Clocks tell milliseconds, and a request is sent within one. */
const slackMs = 2

/**
 * What clients were told and the journal does not know: a state that a workspace was never in, or was in only before one that the same
 * client had seen already; a command that was acknowledged and left no line, or left more lines than it was given.
 */
export function untrueAnswers({ heard, journal }: Pick<Evidence, 'heard' | 'journal'>): string[] {
  const histories = linesOf(journal)
  const found: string[] = []
  const places = new Map<string, number>()
  for (const { user, shown } of heard)
    for (const { id, state } of shown) {
      const lines = histories.get(id) ?? []
      const from = places.get(`${user} ${id}`) ?? 0
      const place = lines.findIndex((line, index) => index >= from && line.to === state)
      if (place < 0)
        found.push(
          lines.some(({ to }) => to === state)
            ? `${user} was told of ${id} in ${state} after it had left that state before`
            : `${user} was told of ${id} in ${state}, which its journal does not know`,
        )
      else places.set(`${user} ${id}`, place)
    }
  for (const verb of ['start', 'stop', 'restart', 'amend'] as const) {
    const asked = heard.filter((each) => each.asked.verb === verb)
    for (const each of asked.filter(isAcknowledged)) {
      const id = 'id' in each.asked ? each.asked.id : ''
      const line = (histories.get(id) ?? []).find(
        ({ event, by, at }) =>
          event === verb && by === `user:${each.user}` && at >= each.sentAt - slackMs && at <= each.heardAt + slackMs,
      )
      if (!line) found.push(`${verb} of ${id} was acknowledged to ${each.user} and is not in the journal`)
    }
    const lines = journal.filter(({ event, by }) => event === verb && by.startsWith('user:')).length
    const given = asked.filter(({ status }) => status === 200 || status === 0).length
    if (lines > given) found.push(`${verb} was given ${given} times and is in the journal ${lines} times`)
  }
  return found
}

/** The feed has told each line of the journal once, in order, and nothing else. Of what it has not told yet nothing is said. */
export function untrueEvents({ events, journal }: Pick<Evidence, 'events' | 'journal'>): string[] {
  return events.flatMap((event, index) => {
    const line = journal[index]
    if (!line || line.seq !== event.seq) return [`the feed told of line ${event.seq} where line ${index + 1} was due`]
    const same =
      line.workspace === event.workspace &&
      line.event === event.event &&
      line.from === event.from &&
      line.to === event.to
    return same ? [] : [`the feed told of line ${event.seq} as ${event.event} of ${event.workspace} to ${event.to}`]
  })
}
