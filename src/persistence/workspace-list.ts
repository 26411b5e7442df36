import type { Database, Statement } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'

/** What a list asks for. What is left out does not narrow it. */
export interface ListQuery {
  readonly owner?: string
  readonly status?: string
  readonly name?: string
  readonly template?: string
  /** Also those that are being deleted. */
  readonly deleting?: boolean
  /** Only those created before the one numbered so. */
  readonly before?: number
  readonly limit?: number
}

export interface Listed {
  readonly seq: number
  readonly id: WorkspaceId
}

/** Lists workspaces, newest first by order of creation. */
export function workspaceList(db: Database): (query: ListQuery) => readonly Listed[] {
  const statements = new Map<string, Statement<[Record<string, string | number>], Listed>>()
  return ({ deleting, limit, ...values }) => {
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
    const conditions = Object.keys(given).map((column) =>
      column === 'before' ? 'seq < :before' : `${column} = :${column}`,
    )
    if (deleting !== true) conditions.push(`status <> 'deleting'`)
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const sql = `SELECT seq, id FROM workspaces ${where} ORDER BY seq DESC LIMIT :limit`
    const known = statements.get(sql) ?? db.prepare<[Record<string, string | number>], Listed>(sql)
    statements.set(sql, known)
    return known.all({ ...given, limit: limit ?? -1 })
  }
}
