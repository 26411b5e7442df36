import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../src/provider/provider.ts'
import { silentLog } from '../engine/silent-log.ts'
import { type Bench, plainRecipe } from './bench.ts'
import { providerContract } from './contract.ts'
import { playedEngine } from './engine-played.ts'

const image = 'vm-test/base:latest'
const engine = playedEngine(image)
beforeAll(() => engine.server.listen({ onUnhandledRequest: 'error' }))
afterAll(() => engine.server.close())

async function playedBench(): Promise<Bench> {
  const [ours, theirs] = [randomUUID(), randomUUID()]
  const of = (installation: string): Provider => dockerProvider({ installation, docker: engine.target, log: silentLog })
  return {
    provider: of(ours),
    recipe: (partial) => plainRecipe({ image, ...partial }),
    kill: async (containerId) => engine.die(containerId, 137),
    removeByHand: async (containerId) => engine.vanish(containerId),
    again: () => of(ours),
    other: () => of(theirs),
    close: async () => {},
  }
}

providerContract('docker, on a played engine,', playedBench, { shell: false })
