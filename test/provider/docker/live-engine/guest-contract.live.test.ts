import { afterAll } from 'vitest'
import { guestContract } from '../../contract/provider-contract.ts'
import { dockerFixture, removeTestContainers, liveTarget } from './docker-fixture.ts'

guestContract('docker', dockerFixture, { skip: liveTarget === undefined })
afterAll(removeTestContainers)
