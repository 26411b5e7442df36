import { useEffect, useState } from 'preact/hooks'
import type { Client, HistoryLine } from '../../client/client.ts'
import { errorText } from '../error-text.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'

/** The history of a workspace, extended by live transitions. A transition may arrive both in a page and as an event. */
export function useWorkspaceHistory(id: string, client: Client, fleet: FleetStore) {
  const [lines, setLines] = useState<readonly HistoryLine[] | null>(null)
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    let isDisposed = false
    let mergedLines: readonly HistoryLine[] = []
    const mergeLines = (newLines: readonly HistoryLine[]) => {
      const bySeq = new Map([...mergedLines, ...newLines].map((line) => [line.seq, line]))
      mergedLines = [...bySeq.values()].sort((a, b) => a.seq - b.seq)
      if (!isDisposed) setLines(mergedLines)
    }
    const unsubscribe = fleet.onTransition((transition) => {
      if (transition.workspace === id) mergeLines([transition])
    })
    const loadHistory = async () => {
      for await (const page of client.history(id)) mergeLines(page)
    }
    void loadHistory().catch((caught: unknown) => isDisposed || setError(errorText(caught)))
    return () => {
      isDisposed = true
      unsubscribe()
    }
  }, [id, client, fleet])
  return { lines, error }
}
