import { expect, test } from 'vitest'
import type { EventFeedLine } from '../../src/persistence/journal.ts'
import { eventFeed } from '../../src/supervisor/event-feed.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { ann, createdId, eventually, startTestService } from './test-service.ts'

/** A journal in memory that counts its reads. */
function lines() {
  const workspace = newWorkspaceId()
  const all: EventFeedLine[] = []
  let reads = 0
  return {
    add(count: number) {
      for (let n = 0; n < count; n += 1) {
        const seq = all.length + 1
        const fields = { workspace, owner: seq % 2 === 0 ? 'ann' : 'ben' }
        all.push({ ...fields, seq, at: 0, event: 'e', from: 'a', to: 'b', by: 'engine', reason: null, attempts: null })
      }
    },
    reads: () => reads,
    newest: () => all.length,
    since(after: number, limit: number) {
      reads += 1
      return all.slice(after, after + limit)
    },
  }
}

function readAll(subscription: { read(): readonly EventFeedLine[] }): number[] {
  const found: number[] = []
  for (let read = subscription.read(); read.length > 0; read = subscription.read())
    found.push(...read.map(({ seq }) => seq))
  return found
}

const range = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, n) => first + n)

test('a commit with more lines than one read returns is read completely', () => {
  const journal = lines()
  const testFeed = eventFeed(journal)
  let wakeUps = 0
  const subscription = testFeed.subscribe({}, 0, () => (wakeUps += 1))
  journal.add(1700)
  testFeed.notify()
  expect(wakeUps).toBe(1)
  expect(readAll(subscription)).toEqual(range(1700))
  journal.add(1)
  testFeed.notify()
  expect(readAll(subscription)).toEqual([1701])
  journal.add(1700)
  testFeed.notify()
  expect(readAll(subscription)).toEqual(range(3401, 1702))
})

test('a hundred up-to-date subscribers cost one database read per commit', () => {
  const journal = lines()
  const testFeed = eventFeed(journal)
  journal.add(10)
  const readers = Array.from({ length: 100 }, () => testFeed.subscribe({}, 10, () => undefined))
  journal.add(1)
  testFeed.notify()
  for (const reader of readers) expect(readAll(reader)).toEqual([11])
  const before = journal.reads()
  journal.add(3)
  testFeed.notify()
  for (const reader of readers) expect(readAll(reader)).toEqual([12, 13, 14])
  expect(journal.reads() - before).toBe(1)
})

test('a subscriber that is far behind skips any number of lines that its filter excludes', () => {
  const journal = lines()
  journal.add(5000)
  const testFeed = eventFeed(journal)
  expect(readAll(testFeed.subscribe({ owner: 'ann' }, 0, () => undefined))).toEqual(
    range(5000).filter((seq) => seq % 2 === 0),
  )
  expect(readAll(testFeed.subscribe({ workspace: newWorkspaceId() }, 0, () => undefined))).toEqual([])
})

test('a closed subscription is not woken, and without subscribers the journal is not read', () => {
  const journal = lines()
  const testFeed = eventFeed(journal)
  let wakeUps = 0
  testFeed.subscribe({}, 0, () => (wakeUps += 1)).close()
  journal.add(1)
  testFeed.notify()
  expect([wakeUps, journal.reads()]).toEqual([0, 0])
})

test('a subscription reads only lines after its position', async () => {
  const service = await startTestService()
  const id = createdId(await service.create('a'))
  await eventually(() => service.state(id), 'running.up')
  const seqs = service.lines(id).map(({ seq }) => seq)
  const read = (after: number | null) => {
    const result = service.supervisor.subscribe({ caller: ann, workspace: null, after }, () => undefined)
    if (result.kind !== 'subscribed') throw new Error(result.kind)
    return readAll(result.subscription)
  }
  expect(read(0)).toEqual(seqs)
  expect(read(seqs[2] ?? null)).toEqual(seqs.slice(3))
  expect(read(null)).toEqual([])
})
