import { expect, test } from 'vitest'
import { ApiError } from '../../src/client/client.ts'
import type { ConnectionEnd } from '../../src/client/reconnect.ts'
import {
  connectionClosed,
  inactivityTimeout,
  linkedAbort,
  reconnect,
  retryableFailure,
} from '../../src/client/reconnect.ts'
import { collect } from './collect.ts'

/** Runs these connections in turn; a string is an event, an error is thrown, anything else ends the connection. */
function follow(
  connections: readonly (readonly (string | Error | ConnectionEnd)[])[],
  signal = new AbortController().signal,
) {
  const delays: number[] = []
  const remaining = [...connections]
  async function* connect(resetBackoff: () => void): AsyncGenerator<string, ConnectionEnd, undefined> {
    for (const step of remaining.shift() ?? [{ kind: 'complete' } as const]) {
      if (step instanceof Error) throw step
      if (typeof step !== 'string') return step
      if (step === 'works') resetBackoff()
      yield step
    }
    return connectionClosed
  }
  const events = reconnect<string>({
    connect,
    recover: (error) => ({ kind: 'closed', reason: retryableFailure(error).message }),
    signal,
    delay: async (ms) => void delays.push(ms),
  })
  return { events, delays }
}

test('the delay between connections doubles up to five seconds, and starts over once a connection works', async () => {
  const { events, delays } = follow([[], [], [], [], [], [], [], ['works'], []])
  await collect(events)
  expect(delays).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 250, 500])
})

test('a lost connection is reported with its reason and the delay', async () => {
  const { events } = follow([
    ['a', new TypeError('terminated')],
    [{ kind: 'closed', reason: 'full' }],
    ['b', { kind: 'complete' }],
  ])
  expect(await collect(events)).toEqual([
    'a',
    { kind: 'disconnected', reason: 'The service cannot be reached. Is it running?', retryInMs: 250 },
    { kind: 'disconnected', reason: 'full', retryInMs: 500 },
    'b',
  ])
})

test('a restart reconnects at once and is not reported', async () => {
  const { events, delays } = follow([
    ['a', { kind: 'restart' }],
    ['b', { kind: 'complete' }],
  ])
  expect(await collect(events)).toEqual(['a', 'b'])
  expect(delays).toEqual([])
})

test('a refusal ends the stream, and a service that is unavailable does not', async () => {
  const failure = (status: number) => new ApiError(status, { error: `status ${status}`, code: 'x' })
  const { events } = follow([[failure(503)], ['a', failure(401)]])
  const seen: unknown[] = []
  const read = async () => {
    for await (const event of events) seen.push(typeof event === 'string' ? event : event.reason)
  }
  await expect(read()).rejects.toMatchObject({ status: 401 })
  expect(seen).toEqual(['status 503', 'a'])
})

test('an aborted signal ends the stream without an error', async () => {
  const { signal, abort } = linkedAbort(undefined)
  const { events } = follow([['a', new Error('reset')]], signal)
  const seen: unknown[] = []
  for await (const event of events) {
    seen.push(event)
    abort()
  }
  expect(seen).toEqual(['a'])
})

test('a connection is aborted when nothing arrives in time, however slowly its consumer reads', async () => {
  const { signal, watch, dispose } = inactivityTimeout(new AbortController().signal, 20)
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  async function* source() {
    yield 1
    yield 2
    await aborted
  }
  const seen: unknown[] = []
  for await (const item of watch(source())) {
    seen.push(item)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(signal.aborted).toBe(false)
  }
  expect(seen).toEqual([1, 2])
  dispose()
})
