import { processFixture } from './process-fixture.ts'
import { providerContract } from '../contract/provider-contract.ts'

providerContract('process', processFixture, { skip: process.platform === 'win32' })
