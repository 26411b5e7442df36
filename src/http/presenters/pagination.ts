import { Problem } from './problem.ts'

/** Which list a cursor belongs to. */
type PaginatedList = 'workspaces' | 'history'

/** A place in a list as clients hand it back: opaque to them. */
function encodeCursor(list: PaginatedList, seq: number): string {
  return Buffer.from(`${list} after ${seq}`).toString('base64url')
}

/**
 * The place that a cursor names.
 * @throws {Problem} `invalid` when it is none of ours.
 */
export function decodeCursor(list: PaginatedList, cursor: string): number {
  const seq = / after (\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1]
  if (seq === undefined || encodeCursor(list, Number(seq)) !== cursor)
    throw new Problem('invalid', {
      error: 'cursor is none that a Link header of this list had. Begin again without one.',
      details: [{ field: 'cursor', problem: 'unknown' }],
    })
  return Number(seq)
}

/** A Link header to the page after `seq`: the same path and query, with the cursor changed. */
export function nextPageLink(list: PaginatedList, url: string, seq: number): string {
  const [path = '', ...query] = url.split('?')
  const parameters = new URLSearchParams(query.join('?'))
  parameters.set('cursor', encodeCursor(list, seq))
  return `<${path}?${parameters.toString()}>; rel="next"`
}
