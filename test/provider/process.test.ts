import { processBench } from './process-bench.ts'
import { providerContract } from './contract.ts'

providerContract('process', processBench, { skip: process.platform === 'win32' })
