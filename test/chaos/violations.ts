// The invariants after every crash, as a pure function of the responses to clients, the database and the engine.
import { type Evidence, type JournalLine, linesByWorkspace } from './evidence.ts'
import { type ObservedResponse, isAcknowledged } from './observed-response.ts'
import { responseViolations, eventViolations } from './response-checks.ts'

/** Expired workspaces must be deleted within this time; the sweeps of the service under test run every second. */
const expiryToleranceMs = 10_000

/** One sentence per violation. */
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

/** No line is missing or out of order, and the state of each row is that of its last line. */
function journalViolations({ journal, rows }: Evidence): string[] {
  const violations: string[] = []
  for (const [index, { seq }] of journal.entries())
    if (seq !== index + 1) {
      violations.push(`the journal has line ${seq} instead of line ${index + 1}`)
      break
    }
  const histories = linesByWorkspace(journal)
  for (const [id, lines] of histories) {
    let previous: JournalLine | undefined
    for (const line of lines) {
      if (line.from !== (previous?.to ?? null))
        violations.push(
          `line ${line.seq} of ${id} starts in ${line.from}, but the line before ended in ${previous?.to}`,
        )
      if (line.revision <= (previous?.revision ?? 0))
        violations.push(`line ${line.seq} of ${id} repeats revision ${line.revision}`)
      previous = line
    }
    const row = rows.find((candidate) => candidate.id === id)
    if (previous?.to === 'deleted' ? row : !row)
      violations.push(`workspace ${id} ended in ${previous?.to}, but its row ${row ? 'exists' : 'is missing'}`)
    if (row && row.state !== previous?.to)
      violations.push(`the row of ${id} is in ${row.state}, but its journal ends in ${previous?.to}`)
  }
  for (const { id } of rows) if (!histories.has(id)) violations.push(`workspace ${id} has a row but no history`)
  return violations
}

/** An acknowledged workspace exists, or was removed by a requested delete or expiry. */
function createViolations({ responses, journal, now }: Evidence): string[] {
  const histories = linesByWorkspace(journal)
  const violations: string[] = []
  const idsByKey = new Map<string, string>()
  for (const response of responses.filter(({ request }) => request.verb === 'create').filter(isAcknowledged)) {
    const [workspace] = response.workspaces
    if (!workspace) continue
    const lines = histories.get(workspace.id) ?? []
    if (lines[0]?.event !== 'create')
      violations.push(`create of ${workspace.id} was acknowledged but is not in the journal`)
    const endings = lines.filter(({ event }) => event === 'delete' || event === 'expire')
    for (const end of endings)
      if (!wasRequested(end, responses, now))
        violations.push(`workspace ${workspace.id} was removed by ${end.event} of ${end.by}, which was never requested`)
    const key = response.request.verb === 'create' ? response.request.key : null
    if (key === null) continue
    const previousId = idsByKey.get(key)
    if (previousId !== undefined && previousId !== workspace.id)
      violations.push(`the idempotency key ${key} created two workspaces, ${previousId} and ${workspace.id}`)
    idsByKey.set(key, workspace.id)
  }
  // Each create has a unique name, so only an earlier attempt with the same key can have taken the name, and a retry must succeed.
  for (const { user, request, status } of responses)
    if (request.verb === 'create' && status === 409)
      violations.push(`create of ${request.name} was retried by ${user} with its key, but refused`)
  // Every created workspace was requested: the create was acknowledged, or had no response and was not retried.
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
        `${user} created ${acknowledged.size} workspaces and ${unanswered.size} without a response, but the journal has ${createdCount}`,
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

/** A deleted workspace never reappears to its owner, and an expired workspace is deleted. */
function deleteViolations({ responses, journal, rows, now }: Evidence): string[] {
  const violations: string[] = []
  for (const { request, receivedAt } of responses.filter(isAcknowledged)) {
    if (request.verb !== 'delete') continue
    if (!journal.some(({ workspace, event }) => workspace === request.id && (event === 'delete' || event === 'expire')))
      violations.push(`delete of ${request.id} was acknowledged but is not in the journal`)
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
      violations.push(`workspace ${id} exists after its TTL`)
  return violations
}

/** A running workspace has one container, any other at most one, and no container is without its workspace. */
function containerViolations({ containers, rows, journal }: Evidence): string[] {
  const violations: string[] = []
  for (const { id, workspace } of containers)
    if (!rows.some((row) => row.id === workspace))
      violations.push(
        `container ${id} belongs to ${workspace}, ${journal.some((line) => line.workspace === workspace) ? 'which was deleted' : 'which never existed'}`,
      )
  for (const { id, state, containerId } of rows) {
    const ownContainers = containers.filter(({ workspace }) => workspace === id)
    if (ownContainers.length > 1) violations.push(`workspace ${id} has ${ownContainers.length} containers`)
    if (
      state === 'running.up' &&
      !(ownContainers.length === 1 && ownContainers[0]?.running === true && ownContainers[0].id === containerId)
    )
      violations.push(`workspace ${id} is running, but its containers are ${JSON.stringify(ownContainers)}`)
  }
  return violations
}

/**
 * A container exits or disappears because of a committed transition, or because it was killed or removed without the service. Any other
 * exit means that the service acted before the commit (law 1).
 */
function unexplainedExits({ journal, manuallyChanged }: Evidence): string[] {
  return journal
    .filter(({ event, workspace }) => (event === 'exited' || event === 'vanished') && !manuallyChanged.has(workspace))
    .map(
      ({ seq, event, workspace }) => `line ${seq}: the container of ${workspace} ${event}, which was never requested`,
    )
}

/** The expiry is the one last requested, and does not change by itself. */
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
    if (!last || relevant.at(-1) !== last) return [] // an update without a response may have changed the expiry
    const shownExpiry = last.workspaces[0]?.expires_at
    const expected = shownExpiry === undefined ? null : Date.parse(shownExpiry)
    return expected === expiresAt ? [] : [`workspace ${id} expires at ${expiresAt}, but its owner saw ${expected}`]
  })
}
