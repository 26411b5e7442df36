import { randomBytes } from 'node:crypto'
import type { Database } from 'better-sqlite3'

export type InstallationStore = ReturnType<typeof installationStore>

/** Facts about this installation: the id that its containers carry, and the provider chosen at its first start. */
export function installationStore(db: Database) {
  const get = db.prepare<[string], string>('SELECT value FROM installation WHERE key = ?').pluck()
  const set = db.prepare<[string, string]>(
    'INSERT INTO installation (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  )
  const providers = db.prepare<[], string>('SELECT DISTINCT provider FROM workspaces').pluck()
  return {
    /** The installation's id: twelve hexadecimal characters, generated once. */
    id(): string {
      const existing = get.get('id')
      if (existing !== undefined) return existing
      const newId = randomBytes(6).toString('hex')
      set.run('id', newId)
      return newId
    },
    provider: (): string | undefined => get.get('provider'),
    chooseProvider: (name: string): void => void set.run('provider', name),
    /** Every provider that a stored workspace names. */
    providersInUse: (): readonly string[] => providers.all(),
  }
}
