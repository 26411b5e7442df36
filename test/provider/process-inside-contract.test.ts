import { insideContract } from './contract.ts'
import { processBench } from './process-bench.ts'

insideContract('process', processBench, { skip: process.platform === 'win32' })
