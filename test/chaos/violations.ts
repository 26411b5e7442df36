// What must hold after every crash, as a pure function over what clients heard, what is on disk and what the engine has.
import { type Evidence, type Line, linesOf } from './evidence.ts'
import { type Heard, isAcknowledged } from './heard.ts'
import { untrueAnswers, untrueEvents } from './untrue-answers.ts'

/** Nothing that has expired is there for longer than this; the sweeps of the service under fire take a second. */
const lateMs = 10_000

/** One sentence for each thing that must not be. */
export function violations(evidence: Evidence): readonly string[] {
  const { integrity } = evidence
  return [
    ...(integrity === 'ok' ? [] : [`the database is damaged: ${integrity}`]),
    ...brokenJournal(evidence),
    ...lostCreates(evidence),
    ...survivedDeletes(evidence),
    ...wrongContainers(evidence),
    ...unaskedEnds(evidence),
    ...movedDeadlines(evidence),
    ...untrueAnswers(evidence),
    ...untrueEvents(evidence),
    ...evidence.rows.flatMap(({ id, status, reason }) =>
      status === 'failed' && reason === null ? [`workspace ${id} failed without a reason`] : [],
    ),
  ]
}

/** No line is missing or out of order, and the row is where its last line says. */
function brokenJournal({ journal, rows }: Evidence): string[] {
  const found: string[] = []
  for (const [index, { seq }] of journal.entries())
    if (seq !== index + 1) {
      found.push(`the journal has line ${seq} where line ${index + 1} is due`)
      break
    }
  const histories = linesOf(journal)
  for (const [id, lines] of histories) {
    let before: Line | undefined
    for (const line of lines) {
      if (line.from !== (before?.to ?? null))
        found.push(`line ${line.seq} of ${id} begins in ${line.from}, and the one before ended in ${before?.to}`)
      if (line.revision <= (before?.revision ?? 0))
        found.push(`line ${line.seq} of ${id} repeats revision ${line.revision}`)
      before = line
    }
    const row = rows.find((each) => each.id === id)
    if (before?.to === 'deleted' ? row : !row)
      found.push(`workspace ${id} ended in ${before?.to}, and its row is ${row ? 'there' : 'gone'}`)
    if (row && row.state !== before?.to) found.push(`the row of ${id} is in ${row.state}, its journal in ${before?.to}`)
  }
  for (const { id } of rows) if (!histories.has(id)) found.push(`workspace ${id} has a row and no history`)
  return found
}

/** What was acknowledged exists, or went by a delete or an expiry that somebody asked for. */
function lostCreates({ heard, journal, now }: Evidence): string[] {
  const histories = linesOf(journal)
  const found: string[] = []
  const madeUnder = new Map<string, string>()
  for (const each of heard.filter(({ asked }) => asked.verb === 'create').filter(isAcknowledged)) {
    const [made] = each.shown
    if (!made) continue
    const lines = histories.get(made.id) ?? []
    if (lines[0]?.event !== 'create') found.push(`create of ${made.id} was acknowledged and is not in the journal`)
    const ends = lines.filter(({ event }) => event === 'delete' || event === 'expire')
    for (const end of ends)
      if (!wasAsked(end, heard, now))
        found.push(`workspace ${made.id} went by a ${end.event} of ${end.by} that nobody asked for`)
    const key = each.asked.verb === 'create' ? each.asked.key : null
    if (key === null) continue
    const other = madeUnder.get(key)
    if (other !== undefined && other !== made.id)
      found.push(`the idempotency key ${key} made two workspaces, ${other} and ${made.id}`)
    madeUnder.set(key, made.id)
  }
  // Each create has a name of its own: only an earlier try of the same create can have taken it, and its key is to be answered alike.
  for (const { user, asked, status } of heard)
    if (asked.verb === 'create' && status === 409)
      found.push(`create of ${asked.name} was repeated by ${user} under its key, and refused`)
  // Everything that a user made was asked for: acknowledged, or without an answer and not asked again.
  for (const user of new Set(heard.map((each) => each.user))) {
    const creates = heard.filter((each) => each.user === user && each.asked.verb === 'create')
    const acknowledged = new Set(creates.filter(isAcknowledged).map(({ shown }) => shown[0]?.id))
    const unanswered = new Set(
      creates.flatMap(({ asked, status }) => (status === 0 && asked.verb === 'create' ? [asked.name] : [])),
    )
    for (const { asked, status } of creates) if (status !== 0 && asked.verb === 'create') unanswered.delete(asked.name)
    const made = journal.filter(({ event, by }) => event === 'create' && by === `user:${user}`).length
    if (made > acknowledged.size + unanswered.size)
      found.push(
        `${user} made ${acknowledged.size} workspaces, ${unanswered.size} without an answer, and the journal has ${made}`,
      )
  }
  return found
}

function wasAsked({ event, by, workspace, at }: Line, heard: readonly Heard[], now: number): boolean {
  if (event === 'expire') return by === 'system:expiry' && at <= now
  return heard.some(
    ({ user, asked, sentAt }) =>
      asked.verb === 'delete' && asked.id === workspace && by === `user:${user}` && sentAt <= at,
  )
}

/** What was deleted is gone for its owner, for ever, and nobody who has expired is kept. */
function survivedDeletes({ heard, journal, rows, now }: Evidence): string[] {
  const found: string[] = []
  for (const { asked, heardAt } of heard.filter(isAcknowledged)) {
    if (asked.verb !== 'delete') continue
    if (!journal.some(({ workspace, event }) => workspace === asked.id && (event === 'delete' || event === 'expire')))
      found.push(`delete of ${asked.id} was acknowledged and is not in the journal`)
    if (rows.some(({ id, status }) => id === asked.id && status !== 'deleting'))
      found.push(`workspace ${asked.id} survived its delete`)
    if (heard.some((later) => later.sentAt > heardAt && later.shown.some(({ id }) => id === asked.id)))
      found.push(`workspace ${asked.id} was shown after its delete`)
  }
  for (const { id, expiresAt, status } of rows)
    if (expiresAt !== null && expiresAt + lateMs < now && status !== 'deleting')
      found.push(`workspace ${id} lives past its TTL`)
  return found
}

/** One container for what runs, at most one for anything else, none without its workspace. */
function wrongContainers({ containers, rows, journal }: Evidence): string[] {
  const found: string[] = []
  for (const { id, workspace } of containers)
    if (!rows.some((row) => row.id === workspace))
      found.push(
        `container ${id} is left of ${workspace}, ${journal.some((line) => line.workspace === workspace) ? 'which is gone' : 'of which nobody heard'}`,
      )
  for (const { id, state, containerId } of rows) {
    const own = containers.filter(({ workspace }) => workspace === id)
    if (own.length > 1) found.push(`workspace ${id} has ${own.length} containers`)
    if (state === 'running.up' && !(own.length === 1 && own[0]?.running === true && own[0].id === containerId))
      found.push(`workspace ${id} runs, and its containers are ${JSON.stringify(own)}`)
  }
  return found
}

/**
 * A container ends, or goes, because a step on disk says so or somebody did it by hand. One that is seen to have ended otherwise was
 * acted upon before the step was on disk (law 1).
 */
function unaskedEnds({ journal, byHand }: Evidence): string[] {
  return journal
    .filter(({ event, workspace }) => (event === 'exited' || event === 'vanished') && !byHand.has(workspace))
    .map(
      ({ seq, event, workspace }) => `line ${seq}: the container of ${workspace} ${event}, and nobody had asked for it`,
    )
}

/** A TTL is what was last asked for, and does not move. */
function movedDeadlines({ heard, rows }: Evidence): string[] {
  return rows.flatMap(({ id, expiresAt }) => {
    const set = heard.filter(({ asked, shown, status }) =>
      asked.verb === 'create'
        ? shown[0]?.id === id
        : asked.verb === 'amend' &&
          asked.id === id &&
          asked.ttlSeconds !== undefined &&
          (status === 200 || status === 0),
    )
    const last = set.findLast(({ status }) => status === 200)
    if (!last || set.at(-1) !== last) return [] // an amend without an answer may have moved it
    const told = last.shown[0]?.expires_at
    const expected = told === undefined ? null : Date.parse(told)
    return expected === expiresAt ? [] : [`workspace ${id} expires at ${expiresAt}, and its owner was told ${expected}`]
  })
}
