import { describe } from 'vitest'
import type { Bench } from './bench.ts'
import { boundariesContract } from './contract-boundaries.ts'
import { lifeContract } from './contract-life.ts'
import { setupContract } from './contract-setup.ts'
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
