import { expect, test } from 'vitest'
import { drainOutput, maxInFlightBytes } from '../../../src/provider/docker/guest/drain-output.ts'

const neverAborted = new AbortController().signal

test('output that arrives while the engine is busy is waited for', async () => {
  let bytes = 0
  let inspections = 0
  const probeEngine = async () => {
    inspections += 1
    if (inspections < 3) bytes += 10 // arrives before the answer
  }
  await drainOutput(() => bytes, probeEngine, neverAborted)
  expect([bytes, inspections]).toEqual([20, 4])
})

test('draining stops when the connection closes, or when more arrives than can have been in transit', async () => {
  const closed = new AbortController()
  let inspections = 0
  const probeEngine = async () => void (inspections += 1)
  const closing = drainOutput(() => 0, probeEngine, closed.signal)
  closed.abort()
  await closing
  let bytes = 0
  await drainOutput(() => (bytes += maxInFlightBytes), probeEngine, neverAborted)
  expect(inspections).toBe(0)
})
