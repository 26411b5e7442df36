import { describe, expect, it } from 'vitest'
import { coalesceCalls } from '../../../src/provider/process/host/coalesce-calls.ts'
import { parsePsProcesses, parsePsStartTime } from '../../../src/provider/process/host/macos-process-table.ts'

describe('A list of processes that many ask for at once', () => {
  it('is never older than the question, and is read for all of them together', async () => {
    let started = 0
    const ends: (() => void)[] = []
    const ask = coalesceCalls(async () => {
      const round = (started += 1)
      await new Promise<void>((resolve) => ends.push(resolve))
      return round
    })
    const first = ask()
    await expect.poll(() => ends.length).toBe(1)
    const later = [ask(), ask(), ask()]
    ends[0]?.()
    expect(await first).toBe(1)
    await expect.poll(() => ends.length).toBe(2)
    ends[1]?.()
    expect(await Promise.all(later)).toEqual([2, 2, 2])
  })

  it('is read again after a round that failed', async () => {
    let round = 0
    const ask = coalesceCalls(async () => {
      round += 1
      if (round === 1) throw new Error('no /proc')
      return round
    })
    await expect(ask()).rejects.toThrow('no /proc')
    expect(await ask()).toBe(2)
  })
})

describe('What ps prints on macOS', () => {
  it('gives the start time of a process that runs, and none for a zombie or nobody', () => {
    expect(parsePsStartTime('Ss   Mon Jan  5 10:00:00 2026    \n')).toBe('Mon Jan 5 10:00:00 2026')
    expect(parsePsStartTime('Z    Mon Jan  5 10:00:00 2026\n')).toBe(null)
    expect(parsePsStartTime('')).toBe(null)
  })

  it('gives the group and the marks of each process', () => {
    const text = '  77    70 node server.js HOME=/h VM_WORKSPACE_ID=a VM_WORKSPACE_RUN=2\n78 78 /bin/sh\n'
    const [marked, plain] = parsePsProcesses(text, 'VM_WORKSPACE_')
    expect(marked).toEqual({ pid: 77, group: 70, variables: { VM_WORKSPACE_ID: 'a', VM_WORKSPACE_RUN: '2' } })
    expect(plain).toEqual({ pid: 78, group: 78, variables: {} })
  })
})
