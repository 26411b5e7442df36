import { Problem } from '../presenters/problem.ts'

/**
 * The available type that an Accept header prefers; the first of several with the same weight, or the first of all without a header.
 * @throws {Problem} `not-acceptable` when the header accepts none of them.
 */
export function negotiateContentType<const T extends string>(
  header: string | undefined,
  available: readonly [T, ...T[]],
): T {
  if (header === undefined || header.trim() === '') return available[0]
  const ranges = header.split(',').map(parseMediaRange)
  const best = available
    .map((type) => ({ type, weight: weightOf(type, ranges) }))
    .reduce((preferred, other) => (other.weight > preferred.weight ? other : preferred))
  if (best.weight > 0) return best.type
  throw new Problem('not-acceptable', {
    error: `Not available in any type listed in Accept. Available: ${available.join(', ')}.`,
  })
}

interface MediaRange {
  readonly type: string
  readonly weight: number
}

function parseMediaRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  const weight = quality === undefined ? 1 : Number(quality)
  return { type, weight: Number.isFinite(weight) ? weight : 0 }
}

/** The weight of the most specific range that includes the type. */
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const [mainType] = type.split('/')
  for (const pattern of [type, `${mainType}/*`, '*/*']) {
    const range = ranges.find((candidate) => candidate.type === pattern)
    if (range) return range.weight
  }
  return 0
}
