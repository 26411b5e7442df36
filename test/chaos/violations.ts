// What must hold after every crash, as a pure function over what clients heard, what is on disk and what the engine has.
import { type Evidence, type JournalLine, linesByWorkspace } from './evidence.ts'
import { type ObservedResponse, isAcknowledged } from './observed-response.ts'
import { responseViolations, eventViolations } from './response-checks.ts'

/** Nothing that has expired is there for longer than this; the sweeps of the service under fire take a second. */
const expiryToleranceMs = 10_000

/** One sentence for each thing that must not be. */
export function violations(evidence: Evidence): readonly string[] {
  const { integrity } = evidence
  return [
    ...(integrity === 'ok' ? [] : [`the database is damaged: ${integrity}`]),
    ...journalViolations(evidence),
    ...createViolations(evidence),
    ...deleteViolations(evidence),
    ...containerViolations(evidence),
    ...unexplainedExits(evidence),
    ...expiryViolations(evidence),
    ...responseViolations(evidence),
    ...eventViolations(evidence),
    ...evidence.rows.flatMap(({ id, status, reason }) =>
      status === 'failed' && reason === null ? [`workspace ${id} failed without a reason`] : [],
    ),
  ]
}

/** No line is missing or out of order, and the row is where its last line says. */
function journalViolations({ journal, rows }: Evidence): string[] {
  const violations: string[] = []
  for (const [index, { seq }] of journal.entries())
    if (seq !== index + 1) {
      violations.push(`the journal has line ${seq} where line ${index + 1} is due`)
      break
    }
  const histories = linesByWorkspace(journal)
  for (const [id, lines] of histories) {
    let previous: JournalLine | undefined
    for (const line of lines) {
      if (line.from !== (previous?.to ?? null))
        violations.push(`line ${line.seq} of ${id} begins in ${line.from}, and the one before ended in ${previous?.to}`)
      if (line.revision <= (previous?.revision ?? 0))
        violations.push(`line ${line.seq} of ${id} repeats revision ${line.revision}`)
      previous = line
    }
    const row = rows.find((response) => response.id === id)
    if (previous?.to === 'deleted' ? row : !row)
      violations.push(`workspace ${id} ended in ${previous?.to}, and its row is ${row ? 'there' : 'gone'}`)
    if (row && row.state !== previous?.to)
      violations.push(`the row of ${id} is in ${row.state}, its journal in ${previous?.to}`)
  }
  for (const { id } of rows) if (!histories.has(id)) violations.push(`workspace ${id} has a row and no history`)
  return violations
}

/** What was acknowledged exists, or went by a delete or an expiry that somebody asked for. */
function createViolations({ responses, journal, now }: Evidence): string[] {
  const histories = linesByWorkspace(journal)
  const violations: string[] = []
  const idsByKey = new Map<string, string>()
  for (const response of responses.filter(({ request }) => request.verb === 'create').filter(isAcknowledged)) {
    const [workspace] = response.workspaces
    if (!workspace) continue
    const lines = histories.get(workspace.id) ?? []
    if (lines[0]?.event !== 'create')
      violations.push(`create of ${workspace.id} was acknowledged and is not in the journal`)
    const endings = lines.filter(({ event }) => event === 'delete' || event === 'expire')
    for (const end of endings)
      if (!wasRequested(end, responses, now))
        violations.push(`workspace ${workspace.id} went by a ${end.event} of ${end.by} that nobody asked for`)
    const key = response.request.verb === 'create' ? response.request.key : null
    if (key === null) continue
    const previousId = idsByKey.get(key)
    if (previousId !== undefined && previousId !== workspace.id)
      violations.push(`the idempotency key ${key} made two workspaces, ${previousId} and ${workspace.id}`)
    idsByKey.set(key, workspace.id)
  }
  // Each create has a name of its own: only an earlier try of the same create can have taken it, and its key is to be answered alike.
  for (const { user, request, status } of responses)
    if (request.verb === 'create' && status === 409)
      violations.push(`create of ${request.name} was repeated by ${user} under its key, and refused`)
  // Everything that a user made was asked for: acknowledged, or without an answer and not asked again.
  for (const user of new Set(responses.map((response) => response.user))) {
    const creates = responses.filter((response) => response.user === user && response.request.verb === 'create')
    const acknowledged = new Set(creates.filter(isAcknowledged).map(({ workspaces }) => workspaces[0]?.id))
    const unanswered = new Set(
      creates.flatMap(({ request, status }) => (status === 0 && request.verb === 'create' ? [request.name] : [])),
    )
    for (const { request, status } of creates)
      if (status !== 0 && request.verb === 'create') unanswered.delete(request.name)
    const createdCount = journal.filter(({ event, by }) => event === 'create' && by === `user:${user}`).length
    if (createdCount > acknowledged.size + unanswered.size)
      violations.push(
        `${user} made ${acknowledged.size} workspaces, ${unanswered.size} without an answer, and the journal has ${createdCount}`,
      )
  }
  return violations
}

function wasRequested(
  { event, by, workspace, at }: JournalLine,
  responses: readonly ObservedResponse[],
  now: number,
): boolean {
  if (event === 'expire') return by === 'system:expiry' && at <= now
  return responses.some(
    ({ user, request, sentAt }) =>
      request.verb === 'delete' && request.id === workspace && by === `user:${user}` && sentAt <= at,
  )
}

/** What was deleted is gone for its owner, for ever, and nobody who has expired is kept. */
function deleteViolations({ responses, journal, rows, now }: Evidence): string[] {
  const violations: string[] = []
  for (const { request, receivedAt } of responses.filter(isAcknowledged)) {
    if (request.verb !== 'delete') continue
    if (!journal.some(({ workspace, event }) => workspace === request.id && (event === 'delete' || event === 'expire')))
      violations.push(`delete of ${request.id} was acknowledged and is not in the journal`)
    if (rows.some(({ id, status }) => id === request.id && status !== 'deleting'))
      violations.push(`workspace ${request.id} survived its delete`)
    if (
      responses.some(
        (laterResponse) =>
          laterResponse.sentAt > receivedAt && laterResponse.workspaces.some(({ id }) => id === request.id),
      )
    )
      violations.push(`workspace ${request.id} was shown after its delete`)
  }
  for (const { id, expiresAt, status } of rows)
    if (expiresAt !== null && expiresAt + expiryToleranceMs < now && status !== 'deleting')
      violations.push(`workspace ${id} lives past its TTL`)
  return violations
}

/** One container for what runs, at most one for anything else, none without its workspace. */
function containerViolations({ containers, rows, journal }: Evidence): string[] {
  const violations: string[] = []
  for (const { id, workspace } of containers)
    if (!rows.some((row) => row.id === workspace))
      violations.push(
        `container ${id} is left of ${workspace}, ${journal.some((line) => line.workspace === workspace) ? 'which is gone' : 'of which nobody heard'}`,
      )
  for (const { id, state, containerId } of rows) {
    const ownContainers = containers.filter(({ workspace }) => workspace === id)
    if (ownContainers.length > 1) violations.push(`workspace ${id} has ${ownContainers.length} containers`)
    if (
      state === 'running.up' &&
      !(ownContainers.length === 1 && ownContainers[0]?.running === true && ownContainers[0].id === containerId)
    )
      violations.push(`workspace ${id} runs, and its containers are ${JSON.stringify(ownContainers)}`)
  }
  return violations
}

/**
 * A container ends, or goes, because a step on disk says so or somebody did it by hand. One that is seen to have ended otherwise was
 * acted upon before the step was on disk (law 1).
 */
function unexplainedExits({ journal, manuallyChanged }: Evidence): string[] {
  return journal
    .filter(({ event, workspace }) => (event === 'exited' || event === 'vanished') && !manuallyChanged.has(workspace))
    .map(
      ({ seq, event, workspace }) => `line ${seq}: the container of ${workspace} ${event}, and nobody had asked for it`,
    )
}

/** A TTL is what was last asked for, and does not move. */
function expiryViolations({ responses, rows }: Evidence): string[] {
  return rows.flatMap(({ id, expiresAt }) => {
    const relevant = responses.filter(({ request, workspaces, status }) =>
      request.verb === 'create'
        ? workspaces[0]?.id === id
        : request.verb === 'update' &&
          request.id === id &&
          request.ttlSeconds !== undefined &&
          (status === 200 || status === 0),
    )
    const last = relevant.findLast(({ status }) => status === 200)
    if (!last || relevant.at(-1) !== last) return [] // an update without an answer may have moved it
    const shownExpiry = last.workspaces[0]?.expires_at
    const expected = shownExpiry === undefined ? null : Date.parse(shownExpiry)
    return expected === expiresAt ? [] : [`workspace ${id} expires at ${expiresAt}, and its owner was told ${expected}`]
  })
}
