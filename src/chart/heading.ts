import type { Box, Point } from './layout.ts'

const margin = 12
/** So far from a line its words are not crossed. */
const clearance = 6

/**
 * Where the words at the top of a state with states inside begin: as far to the left as no line and no label crosses them. At their
 * usual place if there is no such place.
 */
export function headingAt(
  box: Box,
  words: { readonly width: number; readonly height: number },
  lines: readonly (readonly Point[])[],
  labels: readonly Box[],
): number {
  const usual = box.x + margin
  const last = box.x + box.width - margin - words.width
  const band = { top: box.y, bottom: box.y + words.height }
  const taken = [...lines.flatMap(piecesOf), ...labels]
    .filter(({ y, height }) => y < band.bottom && y + height > band.top)
    .filter(({ x, width }) => x < box.x + box.width && x + width > box.x)
  const isFree = (at: number) =>
    taken.every(({ x, width }) => x + width + clearance <= at || at + words.width + clearance <= x)
  const places = [usual, ...taken.map(({ x, width }) => x + width + clearance).toSorted((one, other) => one - other)]
  return places.find((at) => at >= usual && at <= last && isFree(at)) ?? usual
}

/** The straight pieces of a line, each as the box that it fills. The border that a line ends at is not crossed by it. */
function piecesOf(points: readonly Point[]): readonly Box[] {
  return points.slice(1).map((to, index) => {
    const from = points[index] ?? to
    return {
      x: Math.min(from.x, to.x),
      y: Math.min(from.y, to.y),
      width: Math.abs(to.x - from.x),
      height: Math.abs(to.y - from.y),
    }
  })
}
