import { afterAll } from 'vitest'
import { providerContract } from '../../contract/provider-contract.ts'
import { dockerFixture, removeTestContainers, liveTarget } from './docker-fixture.ts'

providerContract('docker', dockerFixture, { skip: liveTarget === undefined })
afterAll(removeTestContainers)
