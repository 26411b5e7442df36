import { Problem } from './problem.ts'

/**
 * The one of `offered` that an Accept header likes best; of several liked alike the first. Without a header it is the first.
 * @throws {Problem} `not-acceptable` when it takes none of them.
 */
export function accepted<const T extends string>(header: string | undefined, offered: readonly [T, ...T[]]): T {
  if (header === undefined || header.trim() === '') return offered[0]
  const ranges = header.split(',').map(rangeOf)
  const best = offered
    .map((type) => ({ type, weight: weightOf(type, ranges) }))
    .reduce((liked, other) => (other.weight > liked.weight ? other : liked))
  if (best.weight > 0) return best.type
  throw new Problem('not-acceptable', { error: `It can be had as ${offered.join(', ')}. Send one of these as Accept.` })
}

interface Range {
  readonly type: string
  readonly weight: number
}

function rangeOf(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((each) => each.startsWith('q='))?.slice(2)
  const number = weight === undefined ? 1 : Number(weight)
  return { type, weight: Number.isFinite(number) ? number : 0 }
}

/** What the narrowest range that covers the type says. */
function weightOf(type: string, ranges: readonly Range[]): number {
  const [kind] = type.split('/')
  for (const covering of [type, `${kind}/*`, '*/*']) {
    const range = ranges.find((each) => each.type === covering)
    if (range) return range.weight
  }
  return 0
}
