import type { Database, Statement } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'
import { failureGuard, type ReportFailure } from './database-error.ts'

/** Filters for a list of workspaces. A missing one does not narrow the list. */
export interface WorkspaceListQuery {
  readonly owner?: string
  readonly status?: string
  readonly name?: string
  readonly template?: string
  /** Includes workspaces that are being deleted. */
  readonly deleting?: boolean
  /** Only workspaces created before the one with this `seq`. */
  readonly before?: number
  readonly limit?: number
}

export interface WorkspaceListRow {
  readonly seq: number
  readonly id: WorkspaceId
}

/** Lists workspaces, newest first by order of creation. */
export function workspaceList(db: Database, reportFailure: ReportFailure = () => undefined) {
  const statements = new Map<string, Statement<[Record<string, string | number>], WorkspaceListRow>>()
  return failureGuard(reportFailure)(
    ({ deleting, limit, ...values }: WorkspaceListQuery): readonly WorkspaceListRow[] => {
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
    },
  )
}
