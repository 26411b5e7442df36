import { useEffect, useRef, useState } from 'preact/hooks'
import { errorText } from './error-text.ts'

export interface QueryResult<T> {
  /** The latest response; `null` before the first. */
  readonly data: T | null
  /** Why the latest request failed. */
  readonly error: string | null
  /** Sends the query now. */
  readonly refetch: () => void
}

/**
 * Queries what the event feed does not report: on mount, when one of `dependencies` changes, and every `refetchIntervalMs` unless that is
 * `null`.
 */
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
      const request = ++latestRequest // an outdated response is dropped
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
