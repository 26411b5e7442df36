import { describe, expect, it } from 'vitest'
import { latestRound } from '../../src/provider/process/latest-round.ts'
import { markedIn, startIn } from '../../src/provider/process/ps-processes.ts'

describe('A list of processes that many ask for at once', () => {
  it('is never older than the question, and is read for all of them together', async () => {
    let begun = 0
    const ends: (() => void)[] = []
    const ask = latestRound(async () => {
      const round = (begun += 1)
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
    const ask = latestRound(async () => {
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
    expect(startIn('Ss   Mon Jan  5 10:00:00 2026    \n')).toBe('Mon Jan 5 10:00:00 2026')
    expect(startIn('Z    Mon Jan  5 10:00:00 2026\n')).toBe(null)
    expect(startIn('')).toBe(null)
  })

  it('gives the group and the marks of each process', () => {
    const text = '  77    70 node server.js HOME=/h VM_WORKSPACE_ID=a VM_WORKSPACE_RUN=2\n78 78 /bin/sh\n'
    const [marked, plain] = markedIn(text, 'VM_WORKSPACE_')
    expect(marked).toEqual({ pid: 77, group: 70, variables: { VM_WORKSPACE_ID: 'a', VM_WORKSPACE_RUN: '2' } })
    expect(plain).toEqual({ pid: 78, group: 78, variables: {} })
  })
})
