import { afterAll } from 'vitest'
import { providerContract } from './contract.ts'
import { dockerBench, sweepAll, target } from './docker-bench.ts'

providerContract('docker', dockerBench, { skip: target === undefined })
afterAll(sweepAll)
