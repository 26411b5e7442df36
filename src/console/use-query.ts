import { useEffect, useRef, useState } from 'preact/hooks'
import { errorText } from './fleet/fleet-store.ts'

export interface QueryResult<T> {
  /** The last answer; `null` before the first. */
  readonly data: T | null
  /** Why there was none the last time. */
  readonly error: string | null
  /** Asks now. */
  readonly refetch: () => void
}

/** Asks for what the feed does not tell: at once, whenever one of `when` has changed, and every so often if `everyMs` says so. */
export function useQuery<T>(
  query: () => Promise<T>,
  refetchIntervalMs: number | null,
  dependencies: readonly unknown[],
): QueryResult<T> {
  const [result, setResult] = useState<Omit<QueryResult<T>, 'refetch'>>({ data: null, error: null })
  const refetchRef = useRef(() => {})
  useEffect(() => {
    let isDisposed = false
    let latestRequest = 0
    const runQuery = async () => {
      const request = ++latestRequest // an answer that was overtaken is not shown
      try {
        const data = await query()
        if (!isDisposed && request === latestRequest) setResult({ data, error: null })
      } catch (caught) {
        if (!isDisposed && request === latestRequest) setResult(({ data }) => ({ data, error: errorText(caught) }))
      }
    }
    refetchRef.current = () => void runQuery()
    void runQuery()
    const timer = refetchIntervalMs === null ? undefined : setInterval(() => void runQuery(), refetchIntervalMs)
    return () => {
      isDisposed = true
      clearInterval(timer)
    }
  }, dependencies)
  return { ...result, refetch: () => refetchRef.current() }
}
