import type { Owner } from './id.ts'

/** The authenticated user of a request. An operator may see and act on every workspace, anyone else only on their own (law 11). */
export interface Caller {
  readonly owner: Owner
  readonly operator: boolean
}
