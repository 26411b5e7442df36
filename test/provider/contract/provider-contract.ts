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

/** What an engine cannot be asked for. */
export interface ContractOptions {
  /** The engine is not there: the suite is reported as skipped. */
  readonly skip?: boolean
  /** False: lifecycle commands are only imitated, so nothing that a real shell would do is asked of them. */
  readonly realShell?: boolean
  /** For one test. */
  readonly timeoutMs?: number
}

/**
 * The port in `src/provider/provider.ts`, sentence by sentence. Every provider passes this one suite: what the machines and the
 * supervisor rely on is written here and nowhere else. `make` is called before each test, its `close` after it.
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

/** The port in `src/provider/guest.ts`, in the same way. In files of its own, so that the two suites of an engine run beside each other. */
export function guestContract(
  name: string,
  createFixture: () => Promise<ProviderFixture>,
  { skip = false, timeoutMs = 90_000 }: Omit<ContractOptions, 'shell'> = {},
): void {
  describe.skipIf(skip)(`Inside workspaces of the ${name} provider`, { timeout: timeoutMs }, () => {
    // Each by itself: before each of their tests a workspace is booted, which no other test is to find.
    for (const contract of [execContract, execExitContract, filesContract, archivesContract, logsContract])
      describe('with a workspace', () => contract(createFixture))
  })
}
