import { expect, test } from 'vitest'
import { client } from './client.ts'
import type { Heard } from './heard.ts'
import { chance } from '../chance.ts'

/** A port that nobody listens on: each request is cut off, and each client asks once. */
const nowhere = 'http://127.0.0.1:9'

async function asked(seed: number) {
  const heard: Heard[] = []
  const luck = chance(seed)
  for (const user of ['ann', 'ben', 'cleo']) {
    const one = client(user, luck.part(user), (each) => void heard.push(each))
    await one.ask(nowhere, 5)
    await one.ask(nowhere, 5)
  }
  return heard.map(({ user, asked, status }) => ({ user, asked, status }))
}

test('a seed asks for the same again, and another for something else', async () => {
  expect(await asked(7)).toEqual(await asked(7))
  expect(await asked(7)).not.toEqual(await asked(8))
})

test('a create whose answer was lost is asked for again under its key, and one without a key is not', async () => {
  const heard = [...(await asked(7)), ...(await asked(8)), ...(await asked(9))]
  const pairs = heard
    .filter((_, index) => index % 2 === 0)
    .map((first, index) => [first, heard[2 * index + 1]] as const)
  for (const [first, second] of pairs) {
    const keyed = first.asked.verb === 'create' && first.asked.key !== null
    expect(JSON.stringify(first.asked) === JSON.stringify(second?.asked), JSON.stringify(first)).toBe(keyed)
  }
  expect(new Set(pairs.map(([{ asked }]) => asked.verb === 'create' && asked.key !== null)).size).toBe(2)
})
