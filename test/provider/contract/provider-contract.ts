import { describe } from 'vitest'
import type { ProviderFixture } from './provider-fixture.ts'
import { isolationContract } from './isolation-contract.ts'
import { filesContract } from './files-contract.ts'
import { lifecycleContract } from './lifecycle-contract.ts'
import { logsContract } from './logs-contract.ts'
import { execContract } from './exec-contract.ts'
import { execExitContract } from './exec-exit-contract.ts'
import { setupContract } from './setup-contract.ts'
import { archivesContract } from './archives-contract.ts'
import { watchContract } from './watch-contract.ts'

/** Differences between providers under test. */
export interface ContractOptions {
  /** True if the engine is not available: the suite is reported as skipped. */
  readonly skip?: boolean
  /** False if lifecycle commands are only simulated: tests that need a real shell are skipped. */
  readonly realShell?: boolean
  /** Timeout of a test. */
  readonly timeoutMs?: number
}

/**
 * Tests every sentence of the port in `src/provider/provider.ts`. Every provider passes this suite, which is all that the machines and the
 * supervisor rely on. The fixture is created before each test and closed after it.
 */
export function providerContract(
  name: string,
  createFixture: () => Promise<ProviderFixture>,
  options: ContractOptions = {},
): void {
  const { skip = false, realShell = true, timeoutMs = 90_000 } = options
  describe.skipIf(skip)(`The ${name} provider`, { timeout: timeoutMs }, () => {
    lifecycleContract(createFixture)
    setupContract(createFixture, realShell)
    isolationContract(createFixture, realShell)
    watchContract(createFixture)
  })
}

/** Tests the port in `src/provider/guest.ts` in the same way. A separate suite, so that both can run concurrently. */
export function guestContract(
  name: string,
  createFixture: () => Promise<ProviderFixture>,
  { skip = false, timeoutMs = 90_000 }: Omit<ContractOptions, 'shell'> = {},
): void {
  describe.skipIf(skip)(`Inside workspaces of the ${name} provider`, { timeout: timeoutMs }, () => {
    // In separate suites, because each test boots a workspace that other tests must not see.
    for (const contract of [execContract, execExitContract, filesContract, archivesContract, logsContract])
      describe('with a workspace', () => contract(createFixture))
  })
}
