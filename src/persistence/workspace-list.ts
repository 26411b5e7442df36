import type { Database, Statement } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'

/** What a list asks for. What is left out does not narrow it. */
export interface WorkspaceListQuery {
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

export interface WorkspaceListRow {
  readonly seq: number
  readonly id: WorkspaceId
}

/** Lists workspaces, newest first by order of creation. */
export function workspaceList(db: Database): (query: WorkspaceListQuery) => readonly WorkspaceListRow[] {
  const statements = new Map<string, Statement<[Record<string, string | number>], WorkspaceListRow>>()
  return ({ deleting, limit, ...values }) => {
    const filters = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
    const conditions = Object.keys(filters).map((column) =>
      column === 'before' ? 'seq < :before' : `${column} = :${column}`,
    )
    if (deleting !== true) conditions.push(`status <> 'deleting'`)
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const sql = `SELECT seq, id FROM workspaces ${where} ORDER BY seq DESC LIMIT :limit`
    const statement = statements.get(sql) ?? db.prepare<[Record<string, string | number>], WorkspaceListRow>(sql)
    statements.set(sql, statement)
    return statement.all({ ...filters, limit: limit ?? -1 })
  }
}
