import { expect, test } from 'vitest'
import { chaosClient } from './chaos-client.ts'
import type { ObservedResponse } from './observed-response.ts'
import { seededRandom } from '../seeded-random.ts'

/** A port that nobody listens on: each request is cut off, and each client asks once. */
const unreachableUrl = 'http://127.0.0.1:9'

async function requestsOf(seed: number) {
  const responses: ObservedResponse[] = []
  const random = seededRandom(seed)
  for (const user of ['ann', 'ben', 'cleo']) {
    const one = chaosClient(user, random.fork(user), (each) => void responses.push(each))
    await one.sendRequests(unreachableUrl, 5)
    await one.sendRequests(unreachableUrl, 5)
  }
  return responses.map(({ user, request, status }) => ({ user, asked: request, status }))
}

test('a seed asks for the same again, and another for something else', async () => {
  expect(await requestsOf(7)).toEqual(await requestsOf(7))
  expect(await requestsOf(7)).not.toEqual(await requestsOf(8))
})

test('a create whose answer was lost is asked for again under its key, and one without a key is not', async () => {
  const responses = [...(await requestsOf(7)), ...(await requestsOf(8)), ...(await requestsOf(9))]
  const pairs = responses
    .filter((_, index) => index % 2 === 0)
    .map((first, index) => [first, responses[2 * index + 1]] as const)
  for (const [first, second] of pairs) {
    const keyed = first.asked.verb === 'create' && first.asked.key !== null
    expect(JSON.stringify(first.asked) === JSON.stringify(second?.asked), JSON.stringify(first)).toBe(keyed)
  }
  expect(new Set(pairs.map(([{ asked: request }]) => request.verb === 'create' && request.key !== null)).size).toBe(2)
})
