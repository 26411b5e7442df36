import { expect, test } from 'vitest'
import type { FeedLine } from '../../src/persistence/journal.ts'
import { feed } from '../../src/supervisor/feed.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'

/** A journal in memory that counts how often it is read. */
function lines() {
  const workspace = newWorkspaceId()
  const all: FeedLine[] = []
  let reads = 0
  return {
    add(count: number) {
      for (let n = 0; n < count; n += 1) {
        const seq = all.length + 1
        const who = { workspace, owner: seq % 2 === 0 ? 'ann' : 'ben' }
        all.push({ ...who, seq, at: 0, event: 'e', from: 'a', to: 'b', by: 'engine', reason: null, tries: null })
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

function seen(following: { read(): readonly FeedLine[] }): number[] {
  const found: number[] = []
  for (let read = following.read(); read.length > 0; read = following.read()) found.push(...read.map(({ seq }) => seq))
  return found
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, n) => first + n)

test('a commit of more lines than are read at a time is read to its end', () => {
  const journal = lines()
  const feeding = feed(journal)
  let woken = 0
  const following = feeding.follow({}, 0, () => (woken += 1))
  journal.add(1700)
  feeding.told()
  expect(woken).toBe(1)
  expect(seen(following)).toEqual(upTo(1700))
  journal.add(1)
  feeding.told()
  expect(seen(following)).toEqual([1701])
  journal.add(1700)
  feeding.told()
  expect(seen(following)).toEqual(upTo(3401, 1702))
})

test('a hundred readers who have read everything cost one read for each commit', () => {
  const journal = lines()
  const feeding = feed(journal)
  journal.add(10)
  const readers = Array.from({ length: 100 }, () => feeding.follow({}, 10, () => undefined))
  journal.add(1)
  feeding.told()
  for (const reader of readers) expect(seen(reader)).toEqual([11])
  const before = journal.reads()
  journal.add(3)
  feeding.told()
  for (const reader of readers) expect(seen(reader)).toEqual([12, 13, 14])
  expect(journal.reads() - before).toBe(1)
})

test('a reader who is far behind passes over what is not theirs, however much that is', () => {
  const journal = lines()
  journal.add(5000)
  const feeding = feed(journal)
  expect(seen(feeding.follow({ owner: 'ann' }, 0, () => undefined))).toEqual(upTo(5000).filter((seq) => seq % 2 === 0))
  expect(seen(feeding.follow({ workspace: newWorkspaceId() }, 0, () => undefined))).toEqual([])
})

test('one who has left is not woken, and with nobody there nothing is read', () => {
  const journal = lines()
  const feeding = feed(journal)
  let woken = 0
  feeding.follow({}, 0, () => (woken += 1)).close()
  journal.add(1)
  feeding.told()
  expect([woken, journal.reads()]).toEqual([0, 0])
})
