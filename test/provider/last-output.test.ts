import { expect, test } from 'vitest'
import { lastOutput, onItsWayBytes } from '../../src/provider/docker/last-output.ts'

const never = new AbortController().signal

test('what comes while the engine is busy is waited for, and the end is known by its answers', async () => {
  let bytes = 0
  let asked = 0
  const ask = async () => {
    asked += 1
    if (asked < 3) bytes += 10 // it came before the answer
  }
  await lastOutput(() => bytes, ask, never)
  expect([bytes, asked]).toEqual([20, 4])
})

test('a connection that is closed is not waited for, nor is one by which more comes than can have been on its way', async () => {
  const closed = new AbortController()
  let asked = 0
  const ask = async () => void (asked += 1)
  const closing = lastOutput(() => 0, ask, closed.signal)
  closed.abort()
  await closing
  let bytes = 0
  await lastOutput(() => (bytes += onItsWayBytes), ask, never)
  expect(asked).toBe(0)
})
