import { expect, test } from 'vitest'
import { chaosClient } from './chaos-client.ts'
import type { ObservedResponse } from './observed-response.ts'
import { seededRandom } from '../seeded-random.ts'

/** Nothing listens on this port: each request fails, so each client sends one. */
const unreachableUrl = 'http://127.0.0.1:9'

async function requestsOf(seed: number) {
  const responses: ObservedResponse[] = []
  const random = seededRandom(seed)
  for (const user of ['ann', 'ben', 'cleo']) {
    const client = chaosClient(user, random.fork(user), (response) => void responses.push(response))
    await client.sendRequests(unreachableUrl, 5)
    await client.sendRequests(unreachableUrl, 5)
  }
  return responses.map(({ user, request, status }) => ({ user, request, status }))
}

test('a client sends the same requests for the same seed, and others for another seed', async () => {
  expect(await requestsOf(7)).toEqual(await requestsOf(7))
  expect(await requestsOf(7)).not.toEqual(await requestsOf(8))
})

test('a create whose response was lost is retried with its key, and never without a key', async () => {
  const responses = [...(await requestsOf(7)), ...(await requestsOf(8)), ...(await requestsOf(9))]
  const pairs = responses
    .filter((_, index) => index % 2 === 0)
    .map((first, index) => [first, responses[2 * index + 1]] as const)
  for (const [first, second] of pairs) {
    const keyed = first.request.verb === 'create' && first.request.key !== null
    expect(JSON.stringify(first.request) === JSON.stringify(second?.request), JSON.stringify(first)).toBe(keyed)
  }
  expect(new Set(pairs.map(([{ request }]) => request.verb === 'create' && request.key !== null)).size).toBe(2)
})
