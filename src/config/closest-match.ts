/** The word of `words` that is most likely meant by `text`: the one with the fewest edits, if they are at most three. */
export function closestMatch(text: string, words: readonly string[]): string | null {
  const [best] = words
    .map((word) => ({ word, distance: editDistance(text, word) }))
    .filter((candidate) => candidate.distance <= 3)
    .sort((a, b) => a.distance - b.distance)
  return best?.word ?? null
}

/** Insertions, removals and replacements of single characters that lead from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let line = 0; line < a.length; line++) {
    const next = [line + 1]
    for (let column = 0; column < b.length; column++) {
      const replaced = (row[column] ?? 0) + (a[line] === b[column] ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
