import { describe } from 'vitest'
import { filesContract } from './contract-files.ts'
import { processBench } from './process-bench.ts'

describe.skipIf(process.platform === 'win32')('Files of plain processes', { timeout: 60_000 }, () => {
  filesContract(processBench)
})
