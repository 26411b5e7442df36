import type { Database } from 'better-sqlite3'

export type StoredResponses = ReturnType<typeof storedResponses>

/** Answers of creates that came with an idempotency key. Written with the workspace's first step, in its transaction. */
export function storedResponses(db: Database) {
  const find = db.prepare<[string, string, number], { fingerprint: string; response: string }>(
    'SELECT fingerprint, response FROM idempotency WHERE owner = ? AND key = ? AND at > ?',
  )
  const prune = db.prepare<[number]>('DELETE FROM idempotency WHERE at <= ?')
  return {
    /** The answer kept under this owner's key since `since`. */
    find: (owner: string, key: string, since: number) => find.get(owner, key, since),
    /** Forgets answers that were kept at `until` or before. */
    prune: (until: number): number => prune.run(until).changes,
  }
}
