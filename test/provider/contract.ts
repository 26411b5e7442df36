import { describe } from 'vitest'
import type { Bench } from './bench.ts'
import { boundariesContract } from './contract-boundaries.ts'
import { filesContract } from './contract-files.ts'
import { lifeContract } from './contract-life.ts'
import { logsContract } from './contract-logs.ts'
import { runContract } from './contract-run.ts'
import { runEndContract } from './contract-run-end.ts'
import { setupContract } from './contract-setup.ts'
import { treesContract } from './contract-trees.ts'
import { watchContract } from './contract-watch.ts'

/** What an engine cannot be asked for. */
export interface ContractOptions {
  /** The engine is not there: the suite is reported as skipped. */
  readonly skip?: boolean
  /** False: lifecycle commands are only imitated, so nothing that a real shell would do is asked of them. */
  readonly shell?: boolean
  /** For one test. */
  readonly timeoutMs?: number
}

/**
 * The port in `src/provider/provider.ts`, sentence by sentence. Every provider passes this one suite: what the machines and the
 * supervisor rely on is written here and nowhere else. `make` is called before each test, its `close` after it.
 */
export function providerContract(name: string, make: () => Promise<Bench>, options: ContractOptions = {}): void {
  const { skip = false, shell = true, timeoutMs = 90_000 } = options
  describe.skipIf(skip)(`The ${name} provider`, { timeout: timeoutMs }, () => {
    lifeContract(make)
    setupContract(make, shell)
    boundariesContract(make, shell)
    watchContract(make)
  })
}

/** The port in `src/provider/inside.ts`, in the same way. In files of its own, so that the two suites of an engine run beside each other. */
export function insideContract(
  name: string,
  make: () => Promise<Bench>,
  { skip = false, timeoutMs = 90_000 }: Omit<ContractOptions, 'shell'> = {},
): void {
  describe.skipIf(skip)(`Inside workspaces of the ${name} provider`, { timeout: timeoutMs }, () => {
    // Each by itself: before each of their tests a workspace is booted, which no other test is to find.
    for (const contract of [runContract, runEndContract, filesContract, treesContract, logsContract])
      describe('with a workspace', () => contract(make))
  })
}
