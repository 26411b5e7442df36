import type { Database } from 'better-sqlite3'
import { failureGuard, type ReportFailure } from './database-error.ts'

export type StoredResponses = ReturnType<typeof storedResponses>

/** Responses to creates that carried an idempotency key. Each is written in the transaction of the workspace's first transition. */
export function storedResponses(db: Database, reportFailure: ReportFailure = () => undefined) {
  const find = db.prepare<[string, string, number], { fingerprint: string; response: string }>(
    'SELECT fingerprint, response FROM idempotency WHERE owner = ? AND key = ? AND at > ?',
  )
  const prune = db.prepare<[number]>('DELETE FROM idempotency WHERE at <= ?')
  const guard = failureGuard(reportFailure)
  return {
    /** The response stored under this owner's key after `since`. */
    find: guard((owner: string, key: string, since: number) => find.get(owner, key, since)),
    /** Deletes responses stored at `until` or before. */
    prune: guard((until: number): number => prune.run(until).changes),
  }
}
