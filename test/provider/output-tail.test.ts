import { describe, expect, it } from 'vitest'
import { outputTail } from '../../src/provider/output-tail.ts'
import { throttle } from '../../src/provider/throttle.ts'

describe("The tail of a command's output", () => {
  it('ends with what the command wrote on stderr, whatever the order', () => {
    const output = outputTail()
    output.append({ stream: 'stderr', bytes: Buffer.from('the reason\n') })
    for (const letter of 'one\ntwo\n') output.append({ stream: 'stdout', bytes: Buffer.from(letter) })
    expect(output.tail()).toBe('one\ntwo\nthe reason')
    expect(output.lastLine()).toBe('two')
  })

  it('is limited to the last 20 lines and 4 kB, and contains no escape sequences', () => {
    const output = outputTail()
    const append = (text: string) => output.append({ stream: 'stdout', bytes: Buffer.from(text) })
    for (let n = 0; n < 10_000; n += 1) append(`\u001b[31mline ${n}\u001b[0m\u0007\r\n`)
    const lines = output.tail().split('\n')
    expect(lines.length).toBe(20)
    expect(lines.at(-1)).toBe('line 9999')
    append('x'.repeat(100_000))
    expect(output.tail().length).toBeLessThanOrEqual(4_096)
  })
})

describe('A throttled progress report', () => {
  it('is passed on at most once per interval', () => {
    let now = 0
    const reports: string[] = []
    const report = throttle(
      (text) => reports.push(text),
      1000,
      () => now,
    )
    for (now = 0; now < 2500; now += 100) report(() => String(now))
    expect(reports).toEqual(['0', '1000', '2000'])
  })
})
