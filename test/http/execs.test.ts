import { expect, test } from 'vitest'
import { bytesIn, endIn, openWorkspace } from './exec-client.ts'

test('a command writes to both streams and exits with its code', async () => {
  const { run } = await openWorkspace()
  const lines = await run({ command: 'echo out; echo err >&2; exit 3' })
  expect([String(bytesIn(lines)), String(bytesIn(lines, 'stderr'))]).toEqual(['out\n', 'err\n'])
  expect(endIn(lines)).toMatchObject({ exit_code: 3 })
})
