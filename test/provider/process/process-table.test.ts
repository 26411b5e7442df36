import { describe, expect, it } from 'vitest'
import { coalesceCalls } from '../../../src/provider/process/host/coalesce-calls.ts'
import { parsePsProcesses, parsePsStartTime } from '../../../src/provider/process/host/macos-process-table.ts'

describe('A coalesced call', () => {
  it('gets the result of a round that started after it, shared with concurrent calls', async () => {
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

  it('runs again after a round that failed', async () => {
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

describe('The output of ps on macOS', () => {
  it('has the start time of a running process, and none for a zombie or a missing process', () => {
    expect(parsePsStartTime('Ss   Mon Jan  5 10:00:00 2026    \n')).toBe('Mon Jan 5 10:00:00 2026')
    expect(parsePsStartTime('Z    Mon Jan  5 10:00:00 2026\n')).toBe(null)
    expect(parsePsStartTime('')).toBe(null)
  })

  it('has the group and the tags of each process', () => {
    const text = '  77    70 node server.js HOME=/h VM_WORKSPACE_ID=a VM_WORKSPACE_RUN=2\n78 78 /bin/sh\n'
    const [marked, plain] = parsePsProcesses(text, 'VM_WORKSPACE_')
    expect(marked).toEqual({ pid: 77, group: 70, variables: { VM_WORKSPACE_ID: 'a', VM_WORKSPACE_RUN: '2' } })
    expect(plain).toEqual({ pid: 78, group: 78, variables: {} })
  })
})
