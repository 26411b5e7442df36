import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import type { NewExecRecord } from '../../src/persistence/exec-log.ts'
import { execLog } from '../../src/persistence/exec-log.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { temporaryFolder } from './temporary-folder.ts'

function newLog(writeBlocked?: () => string | null) {
  const { db, close } = openDatabase(join(temporaryFolder(), 'vm.db'))
  onTestFinished(close)
  return execLog(db, writeBlocked)
}

const newExec = (workspace: WorkspaceId, execId: string, startedAt: number, more: Partial<NewExecRecord> = {}) => ({
  kind: 'started' as const,
  exec: {
    workspace,
    execId,
    kind: 'exec' as const,
    owner: 'ann',
    by: 'user:ann',
    command: '"true"',
    fingerprint: 'f',
    startedAt,
    ...more,
  },
})
const ended = (workspace: WorkspaceId, execId: string, endedAt: number, exitCode = 0) => ({
  kind: 'ended' as const,
  workspace,
  execId,
  ending: { endedAt, exitCode, signal: null, error: null },
})

describe('the exec log', () => {
  it('lists the commands of a workspace, newest first and without shells', () => {
    const log = newLog()
    const [queried, filled] = [newWorkspaceId(), newWorkspaceId()]
    log.write([
      newExec(queried, 'a', 1),
      newExec(queried, 'b', 2),
      newExec(filled, 'c', 3),
      newExec(queried, 's', 4, { kind: 'shell' }),
    ])
    log.write([ended(queried, 'a', 5, 7)])
    expect(log.recent(queried, 9).map(({ execId, exitCode, endedAt }) => [execId, exitCode, endedAt])).toEqual([
      ['b', null, null],
      ['a', 7, 5],
    ])
    expect(log.recent(queried, 1).map(({ execId }) => execId)).toEqual(['b'])
    expect([log.find(queried, 'a')?.command, log.find(filled, 'a')]).toEqual(['"true"', undefined])
  })

  it('writes all changes of a batch, or none', () => {
    const log = newLog()
    const id = newWorkspaceId()
    log.write([newExec(id, 'a', 1)])
    expect(() => log.write([newExec(id, 'b', 2), newExec(id, 'a', 3)])).toThrow(/UNIQUE/)
    expect(log.recent(id, 9).map(({ execId, startedAt }) => [execId, startedAt])).toEqual([['a', 1]])
  })

  it('keeps the first recorded end', () => {
    const log = newLog()
    const id = newWorkspaceId()
    log.write([newExec(id, 'a', 1), ended(id, 'a', 2, 3), ended(id, 'a', 9, 4)])
    expect(log.find(id, 'a')).toMatchObject({ endedAt: 2, exitCode: 3 })
  })

  it('lists exactly the execs without a recorded end', () => {
    const log = newLog()
    const id = newWorkspaceId()
    log.write([newExec(id, 'open', 1), newExec(id, 'over', 1), ended(id, 'over', 2), newExec(id, 'never', 1)])
    log.write([{ kind: 'discarded', workspace: id, execId: 'never' }])
    expect(log.unfinished('exec')).toEqual([{ workspace: id, execId: 'open', owner: expect.any(String) }])
    expect(log.unfinished('shell')).toEqual([])
    expect(log.find(id, 'never')).toBeUndefined()
  })

  it('prunes old execs in batches, oldest first, and never a running one', () => {
    const log = newLog()
    const id = newWorkspaceId()
    log.write(['a', 'b', 'c', 'd'].map((execId, at) => newExec(id, execId, at)))
    log.write(['b', 'c', 'd'].map((execId) => ended(id, execId, 10)))
    expect(log.prune(3, 1)).toBe(1)
    expect(log.recent(id, 9).map(({ execId }) => execId)).toEqual(['d', 'c', 'a'])
    expect(log.prune(3, 9)).toBe(1)
    expect(log.recent(id, 9).map(({ execId }) => execId)).toEqual(['d', 'a'])
  })

  it('writes nothing while writes are blocked', () => {
    const log = newLog(() => 'its file was removed')
    const id = newWorkspaceId()
    expect(() => log.write([newExec(id, 'a', 1)])).toThrow('its file was removed')
    expect(log.find(id, 'a')).toBeUndefined()
  })
})
