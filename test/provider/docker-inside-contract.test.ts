import { afterAll } from 'vitest'
import { insideContract } from './contract.ts'
import { dockerBench, sweepAll, target } from './docker-bench.ts'

insideContract('docker', dockerBench, { skip: target === undefined })
afterAll(sweepAll)
