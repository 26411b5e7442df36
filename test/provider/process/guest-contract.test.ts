import { guestContract } from '../contract/provider-contract.ts'
import { processFixture } from './process-fixture.ts'

guestContract('process', processFixture, { skip: process.platform === 'win32' })
