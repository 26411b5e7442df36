import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import { journal } from '../../src/persistence/journal.ts'
import { workspaceList } from '../../src/persistence/workspace-list.ts'
import type { TransitionRecord } from '../../src/persistence/workspace-row.ts'
import { isNameTaken, workspaceStore } from '../../src/persistence/workspace-store.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { temporaryFolder } from './temporary-folder.ts'

function newStore() {
  const database = openDatabase(join(temporaryFolder(), 'vm.db'))
  onTestFinished(() => database.close())
  const { db } = database
  return { db, database, store: workspaceStore(db), lines: journal(db), list: workspaceList(db) }
}

function transitionOf(name: string, changes: Partial<TransitionRecord['row']> = {}, final = false): TransitionRecord {
  const row = {
    id: newWorkspaceId(),
    owner: 'ann',
    name,
    template: 'base',
    provider: 'docker',
    status: 'running',
    createdAt: 1,
    updatedAt: 1,
    expiresAt: null,
    revision: 1,
    machine: 1,
    snapshot: '{}',
    ...changes,
  }
  const line = {
    at: row.updatedAt,
    event: 'e',
    from: null,
    to: final ? 'deleted' : 'running.up',
    by: 'b',
    reason: null,
    attempts: null,
  }
  return { row, line, final }
}

describe('the store', () => {
  it('writes a row and its journal line together, or neither', () => {
    const { db, store, lines } = newStore()
    db.exec(
      `CREATE TRIGGER refuse BEFORE INSERT ON journal WHEN new.owner = 'ben' BEGIN SELECT RAISE(ABORT, 'no'); END`,
    )
    const [good, bad] = [transitionOf('a'), transitionOf('b', { owner: 'ben' })]
    expect([...store.commit([bad, good]).keys()]).toEqual([bad.row.id])
    expect([store.byId(good.row.id)?.name, store.byId(bad.row.id)]).toEqual(['a', undefined])
    expect([lines.lines(good.row.id, 0, 9), lines.lines(bad.row.id, 0, 9)].map(({ length }) => length)).toEqual([1, 0])
  })

  it('refuses a transition that does not follow the newest revision, and all later ones of that workspace', () => {
    const { store } = newStore()
    const first = transitionOf('a')
    store.commit([first])
    const at = (revision: number) => ({ ...first, row: { ...first.row, revision } })
    const failedWrites = store.commit([at(3), at(4), transitionOf('b')])
    expect(failedWrites.get(first.row.id)).toMatchObject({
      revision: 3,
      error: { message: expect.stringContaining('another writer has changed the row') },
    })
    expect(failedWrites.size).toBe(1)
    expect(store.byId(first.row.id)?.revision).toBe(1)
    expect(store.commit([at(2), at(3)]).size).toBe(0)
  })

  it('reports the whole batch as failed, from the first transition of each workspace, when the commit fails', () => {
    const { database, store } = newStore()
    const first = transitionOf('a')
    database.close()
    const failedWrites = store.commit([first, { ...first, row: { ...first.row, revision: 2 } }, transitionOf('b')])
    expect(failedWrites.size).toBe(2)
    expect(failedWrites.get(first.row.id)?.revision).toBe(1)
  })

  it('gives a name, case-sensitively, to one workspace of an owner at a time, and frees it with the delete', () => {
    const { store } = newStore()
    const first = transitionOf('a')
    expect(store.commit([first, transitionOf('a', { owner: 'ben' }), transitionOf('A')]).size).toBe(0)
    const second = transitionOf('a')
    expect(isNameTaken(store.commit([second]).get(second.row.id)?.error)).toBe(true)
    store.commit([{ ...first, row: { ...first.row, revision: 2, status: 'deleting' } }])
    expect(store.nameTaken('ann', 'a')).toBe(false)
    expect(store.commit([second]).size).toBe(0)
  })

  it('deletes the row of a workspace with its last transition, and keeps its journal', () => {
    const { store, lines } = newStore()
    const first = transitionOf('a')
    store.commit([first])
    store.commit([{ ...transitionOf('a', { ...first.row, revision: 2 }, true) }])
    expect(store.byId(first.row.id)).toBeUndefined()
    expect([lines.lastKnownStatus(first.row.id), lines.ownerOf(first.row.id)]).toEqual(['deleted', 'ann'])
    expect(lines.lastKnownStatus(newWorkspaceId())).toBe('unknown')
  })

  it('prunes the journals of workspaces deleted before a time, in batches', () => {
    const { store, lines } = newStore()
    const gone = [10, 20, 30].map((at) => {
      const first = transitionOf(`w${at}`)
      store.commit([first, transitionOf('', { ...first.row, revision: 2, updatedAt: at }, true)])
      return first.row.id
    })
    const remaining = transitionOf('kept')
    store.commit([remaining])
    expect(lines.prune(25, 1)).toBe(2)
    expect(lines.prune(25, 100)).toBe(2)
    expect(lines.prune(25, 100)).toBe(0)
    expect([...gone, remaining.row.id].map((id) => lines.lastKnownStatus(id))).toEqual([
      'unknown',
      'unknown',
      'deleted',
      'unfinished',
    ])
  })
})

describe('the list', () => {
  it('is newest first, filtered, in pages, and without workspaces that are being deleted', () => {
    const { store, list } = newStore()
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) =>
      transitionOf(name, { ...(name === 'c' && { status: 'stopped' }), ...(name === 'd' && { status: 'deleting' }) }),
    )
    store.commit(all)
    const names = (query: Parameters<typeof list>[0]) =>
      list(query)
        .map(({ id }) => store.byId(id)?.name)
        .join('')
    expect(names({ owner: 'ann' })).toBe('ecba')
    expect(names({ owner: 'ann', deleting: true })).toBe('edcba')
    expect(names({ owner: 'ann', status: 'stopped' })).toBe('c')
    expect(names({ owner: 'ann', name: 'b', template: 'base' })).toBe('b')
    expect(names({ owner: 'ben' })).toBe('')
    const [, second] = list({ owner: 'ann', limit: 2 })
    expect(names({ owner: 'ann', limit: 2, ...(second && { before: second.seq }) })).toBe('ba')
  })
})
