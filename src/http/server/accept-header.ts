import { Problem } from '../presenters/problem.ts'

/**
 * The one of `offered` that an Accept header likes best; of several liked alike the first. Without a header it is the first.
 * @throws {Problem} `not-acceptable` when it takes none of them.
 */
export function negotiateContentType<const T extends string>(
  header: string | undefined,
  available: readonly [T, ...T[]],
): T {
  if (header === undefined || header.trim() === '') return available[0]
  const ranges = header.split(',').map(parseMediaRange)
  const best = available
    .map((type) => ({ type, weight: qualityOf(type, ranges) }))
    .reduce((preferred, other) => (other.weight > preferred.weight ? other : preferred))
  if (best.weight > 0) return best.type
  throw new Problem('not-acceptable', {
    error: `It can be had as ${available.join(', ')}. Send one of these as Accept.`,
  })
}

interface MediaRange {
  readonly type: string
  readonly weight: number
}

function parseMediaRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  const quality = weight === undefined ? 1 : Number(weight)
  return { type, weight: Number.isFinite(quality) ? quality : 0 }
}

/** What the narrowest range that covers the type says. */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  const [mainType] = type.split('/')
  for (const pattern of [type, `${mainType}/*`, '*/*']) {
    const range = ranges.find((candidate) => candidate.type === pattern)
    if (range) return range.weight
  }
  return 0
}
