import type { Client } from '../../src/client/client.ts'
import { apiClient } from '../../src/client/client.ts'
import { validateResponse } from '../../src/client/response-validator.ts'

/** A client that checks every response against its schema. */
export function testClient(port: number, user = 'alice'): Client {
  return apiClient({ url: `http://127.0.0.1:${port}`, user, validate: validateResponse })
}
