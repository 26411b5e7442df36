import type { Box, Point } from './layout.ts'

const margin = 12
/** Distance from a line at which the heading is not crossed. */
const clearance = 6

/**
 * The x coordinate of a compound state's heading: the leftmost position where no line and no label crosses the text, or the default
 * position if every one is crossed.
 */
export function headingX(
  box: Box,
  textSize: { readonly width: number; readonly height: number },
  lines: readonly (readonly Point[])[],
  labels: readonly Box[],
): number {
  const defaultX = box.x + margin
  const lastX = box.x + box.width - margin - textSize.width
  const band = { top: box.y, bottom: box.y + textSize.height }
  const obstacles = [...lines.flatMap(segmentsOf), ...labels]
    .filter(({ y, height }) => y < band.bottom && y + height > band.top)
    .filter(({ x, width }) => x < box.x + box.width && x + width > box.x)
  const isFree = (left: number) =>
    obstacles.every(({ x, width }) => x + width + clearance <= left || left + textSize.width + clearance <= x)
  const candidates = [defaultX, ...obstacles.map(({ x, width }) => x + width + clearance).toSorted((a, b) => a - b)]
  return candidates.find((left) => left >= defaultX && left <= lastX && isFree(left)) ?? defaultX
}

/** The bounding boxes of a line's straight segments. A line that ends at a border does not cross it. */
function segmentsOf(points: readonly Point[]): readonly Box[] {
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
