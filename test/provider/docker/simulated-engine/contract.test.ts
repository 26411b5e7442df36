import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../../../src/provider/provider.ts'
import { silentLog } from '../../../silent-log.ts'
import { type ProviderFixture, plainSpec } from '../../contract/provider-fixture.ts'
import { providerContract } from '../../contract/provider-contract.ts'
import { simulatedEngine } from './simulated-engine.ts'

const image = 'vm-test/base:latest'
const engine = simulatedEngine(image)
beforeAll(() => engine.server.listen())
afterAll(() => engine.server.close())

async function simulatedFixture(): Promise<ProviderFixture> {
  const [ours, theirs] = [randomUUID(), randomUUID()]
  const providerOf = (installation: string): Provider =>
    dockerProvider({ installation, target: engine.target, log: silentLog })
  return {
    provider: providerOf(ours),
    newSpec: (partial) => plainSpec({ image, ...partial }),
    kill: async (containerId) => engine.exitContainer(containerId, 137),
    removeByHand: async (containerId) => engine.removeContainer(containerId),
    restarted: () => providerOf(ours),
    otherInstallation: () => providerOf(theirs),
    close: async () => {},
  }
}

providerContract('docker (simulated engine)', simulatedFixture, { realShell: false })
