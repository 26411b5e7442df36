import { describe, expect, test, vi } from 'vitest'
import { readEvents } from './event-reader.ts'
import type { EventReader } from './event-reader.ts'
import { openTestServer } from '../test-server.ts'

const list = '/api/v1/workspaces'
const feed = '/api/v1/events'

async function openFeed() {
  const testServer = await openTestServer()
  const port = await testServer.listen()
  return { ...testServer, port, read: (path = feed, headers = {}) => readEvents(port, path, headers) }
}

const transitions = ({ events }: EventReader) => events.filter(({ event }) => event === 'transition')
const positionsOf = (reader: EventReader) => transitions(reader).map(({ id }) => id)
/** Polls: a stream does not announce how many events will follow. */
const waitForEvents = (expectEvents: () => void, interval = 5) =>
  vi.waitFor(expectEvents, { interval, timeout: 15_000 })

describe('the event feed', () => {
  test('sends each transition as it is committed, with its journal position', async () => {
    const { inject, createWorkspace, read, waitFor } = await openFeed()
    const reader = await read()
    expect(reader.status).toBe(200)
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    })
    const { id } = await createWorkspace()
    await waitFor(id, ({ status }) => status === 'running')
    const history = (await inject('GET', `${list}/${id}/history`)).json<{ seq: number }[]>()
    await waitForEvents(() => expect(transitions(reader)).toHaveLength(history.length))
    expect(transitions(reader).map(({ data }) => data)).toEqual(
      history.map((line) => ({ ...line, workspace: id, owner: 'alice' })),
    )
    expect(positionsOf(reader)).toEqual(history.map(({ seq }) => seq))
    expect(reader.events[0]).toMatchObject({ event: 'ready', data: {} })
  })

  test('continues after the last event received, without gaps or repeats, even if there is nothing new', async () => {
    const { createWorkspace, read, waitFor } = await openFeed()
    const allEvents = await read()
    const { id } = await createWorkspace()
    await waitFor(id, ({ status }) => status === 'running')
    await waitForEvents(() => expect(transitions(allEvents).at(-1)?.data['to']).toBe('running.up'))
    const all = positionsOf(allEvents)
    for (const [index, event] of all.entries()) {
      const again = await read(feed, { 'last-event-id': String(event) })
      await waitForEvents(() => expect(positionsOf(again)).toEqual(all.slice(index + 1)))
      again.close()
    }
    const query = await read(`${feed}?after=${all[0]}`)
    await waitForEvents(() => expect(positionsOf(query)).toEqual(all.slice(1)))
  })

  test('delivers every event once to a reader that reconnects while workspaces are created', async () => {
    const { createWorkspace, read, waitFor } = await openFeed()
    const allEvents = await read()
    const created = Promise.all(Array.from({ length: 30 }, (_, n) => createWorkspace({ name: `w${n}` })))
    const seqs: number[] = []
    let last = allEvents.events[0]?.id ?? 0
    for (let round = 0; round < 15; round += 1) {
      const part = await read(feed, { 'last-event-id': String(last) })
      await new Promise((resolve) => setImmediate(resolve)) // this reader disconnects after few or no events
      part.close()
      seqs.push(...positionsOf(part))
      last = seqs.at(-1) ?? last
    }
    for (const { id } of await created) await waitFor(id, ({ status }) => status === 'running')
    const rest = await read(feed, { 'last-event-id': String(last) })
    await waitForEvents(() => expect([...seqs, ...positionsOf(rest)]).toEqual(positionsOf(allEvents)))
    expect(positionsOf(allEvents).length).toBeGreaterThan(150)
  })

  test('shows owners their own workspaces and operators all', async () => {
    const { createWorkspace, read, waitFor } = await openFeed()
    const [alice, bob, root] = [
      await read(),
      await read(feed, { 'x-user': 'bob' }),
      await read(feed, { 'x-user': 'root' }),
    ]
    const ownWorkspace = await createWorkspace()
    const othersWorkspace = await createWorkspace({ name: 'bobs' }, { 'x-user': 'bob' })
    for (const { id } of [ownWorkspace, othersWorkspace]) await waitFor(id, ({ status }) => status === 'running')
    const about = (reader: EventReader) => [...new Set(transitions(reader).map(({ data }) => data['workspace']))]
    await waitForEvents(() => expect(new Set(about(root))).toEqual(new Set([ownWorkspace.id, othersWorkspace.id])))
    await waitForEvents(() => expect([about(alice), about(bob)]).toEqual([[ownWorkspace.id], [othersWorkspace.id]]))
    const refused = await read(`${list}/${othersWorkspace.id}/events`)
    const unknown = await read(`${list}/550e8400-e29b-41d4-a716-446655440000/events`)
    await Promise.all([refused.ended, unknown.ended])
    expect([refused.status, refused.text()]).toEqual([404, unknown.text()])
  })

  test('of one workspace contains no other, ends when it is deleted, and is 204 afterwards', async () => {
    const { inject, createWorkspace, read, waitFor } = await openFeed()
    const { id } = await createWorkspace()
    const reader = await read(`${list}/${id}/events`)
    await createWorkspace({ name: 'other' })
    await waitFor(id, ({ status }) => status === 'running')
    await inject('DELETE', `${list}/${id}`)
    await reader.ended
    expect(new Set(transitions(reader).map(({ data }) => data['workspace']))).toEqual(new Set([id]))
    const last = transitions(reader).at(-1)
    expect(last?.data['to']).toBe('deleted')
    const late = await read(`${list}/${id}/events`, { 'last-event-id': String(last?.id) })
    expect(late.status).toBe(204)
    const allEvents = await read(`${list}/${id}/events?after=0`)
    await allEvents.ended
    expect(
      transitions(allEvents)
        .map(({ data }) => data['from'])
        .at(0),
    ).toBeNull()
    expect(transitions(allEvents).at(-1)?.data['to']).toBe('deleted')
  })

  test.each(['-1', '1.5', 'x', '1e3', '9'.repeat(16), '123456789', '1, 2'])(
    'rejects the unknown position %j',
    async (position) => {
      const { read, createWorkspace } = await openFeed()
      await createWorkspace()
      const reader = await read(feed, { 'last-event-id': position })
      await reader.ended
      expect([reader.status, JSON.parse(reader.text())]).toEqual([400, expect.objectContaining({ code: 'invalid' })])
    },
  )

  test('buffers nothing in memory for a stalled reader, which continues where it stopped', async () => {
    const { database, createWorkspace, read, supervisor, waitFor } = await openFeed()
    const { id } = await createWorkspace()
    await waitFor(id, ({ status }) => status === 'running')
    const reader = await read()
    reader.pause()
    // More than the buffers of a connection hold, written directly and announced by a single transition.
    const note = database.db.prepare(
      `INSERT INTO journal (workspace, owner, at, event, from_state, to_state, by, reason, attempts, revision)
       SELECT workspace, owner, at, 'noise', 'running.up', 'running.up', by, :reason, NULL, 99 FROM journal WHERE seq = 1`,
    )
    const lines = 30_000
    database.db.transaction(() => {
      for (let n = 0; n < lines; n += 1) note.run({ reason: 'x'.repeat(500) })
    })()
    const before = process.memoryUsage().rss
    await createWorkspace({ name: 'wakes-the-feed' })
    await new Promise((resolve) => setTimeout(resolve, 300)) // long enough for a buffer to fill
    expect(process.memoryUsage().rss - before).toBeLessThan(12e6)
    reader.resume()
    const noise = () => transitions(reader).filter(({ data }) => data['event'] === 'noise')
    await waitForEvents(() => expect(noise().length).toBe(lines), 100) // each poll walks all events
    const positions = positionsOf(reader)
    expect(positions).toEqual(Array.from(positions, (_, n) => (positions[0] ?? 0) + n))
    expect(supervisor.health().database).toBeNull()
  })

  test('ends on shutdown, with the reason', async () => {
    const { app, read } = await openFeed()
    const reader = await read()
    const startedAt = performance.now()
    await app.close()
    await reader.ended
    expect(reader.events.at(-1)).toMatchObject({ event: 'dropped', data: { reason: 'The service is shutting down.' } })
    expect(performance.now() - startedAt).toBeLessThan(10_000) // waiting for readers would take twelve seconds
  })
})
