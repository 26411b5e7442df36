import { Problem } from './problem.ts'

/** The list that a cursor belongs to. */
type PaginatedList = 'workspaces' | 'history'

/** A position in a list, opaque to clients. */
function encodeCursor(list: PaginatedList, seq: number): string {
  return Buffer.from(`${list} after ${seq}`).toString('base64url')
}

/**
 * The position that a cursor encodes.
 * @throws {Problem} `invalid` when the cursor did not come from this list.
 */
export function decodeCursor(list: PaginatedList, cursor: string): number {
  const seq = / after (\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1]
  if (seq === undefined || encodeCursor(list, Number(seq)) !== cursor)
    throw new Problem('invalid', {
      error: 'cursor: not from a Link header of this list. Start again without a cursor.',
      details: [{ field: 'cursor', problem: 'unknown' }],
    })
  return Number(seq)
}

/** A Link header to the page after `seq`: the same path and query with the new cursor. */
export function nextPageLink(list: PaginatedList, url: string, seq: number): string {
  const [path = '', ...query] = url.split('?')
  const parameters = new URLSearchParams(query.join('?'))
  parameters.set('cursor', encodeCursor(list, seq))
  return `<${path}?${parameters.toString()}>; rel="next"`
}
