/** What `work` answers for each item, in their order, with at most `atATime` under way: each may hold a file open. */
export async function mapLimited<T, R>(
  items: readonly T[],
  atATime: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = []
  for (let from = 0; from < items.length; from += atATime)
    answers.push(...(await Promise.all(items.slice(from, from + atATime).map(work))))
  return answers
}
