import { expect, test } from 'vitest'
import { drainOutput, maxInFlightBytes } from '../../../src/provider/docker/guest/drain-output.ts'

const never = new AbortController().signal

test('what comes while the engine is busy is waited for, and the end is known by its answers', async () => {
  let bytes = 0
  let inspections = 0
  const ask = async () => {
    inspections += 1
    if (inspections < 3) bytes += 10 // it came before the answer
  }
  await drainOutput(() => bytes, ask, never)
  expect([bytes, inspections]).toEqual([20, 4])
})

test('a connection that is closed is not waited for, nor is one by which more comes than can have been on its way', async () => {
  const closed = new AbortController()
  let inspections = 0
  const ask = async () => void (inspections += 1)
  const closing = drainOutput(() => 0, ask, closed.signal)
  closed.abort()
  await closing
  let bytes = 0
  await drainOutput(() => (bytes += maxInFlightBytes), ask, never)
  expect(inspections).toBe(0)
})
