import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Client, HistoryLine, Workspace } from '../../client/client.ts'
import { ActionBar } from '../actions/action-bar.tsx'
import { StatechartView } from '../statechart/statechart-view.tsx'
import { WorkspaceDetails } from './workspace-details.tsx'
import type { FleetStore } from '../fleet/fleet-store.ts'
import { errorText } from '../fleet/fleet-store.ts'
import { SnapshotPanel } from './snapshot-panel.tsx'
import { StateBadge } from './state-badge.tsx'
import { ShellPanel } from '../shell/shell-panel.tsx'
import { Timeline } from './timeline.tsx'
import { useFleet } from '../fleet/use-fleet.ts'

interface Props {
  readonly id: string
  readonly client: Client
  readonly fleet: FleetStore
}

/** One workspace: where it is, how it came there, and what may be done with it. */
export function WorkspacePage({ id, client, fleet }: Props) {
  const { workspaces, loaded } = useFleet(fleet)
  const workspace = useMemo(() => workspaces.find((candidate) => candidate.id === id), [workspaces, id])
  const { lines, error } = useWorkspaceHistory(id, client, fleet)
  /** The step that is looked at; `null`: the last one, whichever that is. */
  const [step, setStep] = useState<number | null>(null)
  const lastIndex = (lines?.length ?? 0) - 1
  const index = step ?? lastIndex
  const shownLine = lines?.[index]
  const state = step === null ? (workspace?.state ?? shownLine?.to) : shownLine?.to
  const highlights = useMemo(
    () => ({ ...(state !== undefined && { state }), path: lines?.slice(0, index + 1) ?? [] }),
    [state, lines, index],
  )

  // Whoever comes by a link may come before the list.
  useEffect(() => {
    if (!workspace) fleet.refresh(id)
  }, [id, workspace === undefined])

  if (!workspace && error !== null) return <NotFound error={error} />
  if (!workspace && lines === null) return <p class="pending">Loading the workspace…</p>
  const isDeleted = !workspace && loaded
  return (
    <>
      <p class="back">
        <a href="#/">← All workspaces</a>
      </p>
      <div class="title">
        <h1>{workspace?.name ?? id}</h1>
        {workspace && <StateBadge workspace={workspace} />}
        {workspace?.progress !== undefined && <span class="soft">{workspace.progress}</span>}
      </div>
      {isDeleted && <p class="notice">It is deleted. What happened to it can still be read for a while.</p>}
      {workspace && <FailureReason workspace={workspace} />}
      {workspace && <ActionBar client={client} fleet={fleet} selected={[workspace]} />}
      <div class="columns chart-and-line">
        <div class="stack">
          <section class="panel" aria-labelledby="chart-title">
            <h2 id="chart-title">{step === null ? 'Now' : `Step ${index + 1} of ${lastIndex + 1}, as it was then`}</h2>
            <StatechartView
              client={client}
              view="near"
              highlights={highlights}
              label={`Statechart. ${step === null ? 'It is' : 'It was then'} ${state ?? 'nowhere'}.`}
            />
          </section>
          {workspace && <ShellPanel workspace={workspace} client={client} />}
        </div>
        <Timeline
          lines={lines ?? []}
          selectedIndex={index}
          isReplaying={step !== null}
          onSelect={setStep}
          isComplete={isDeleted}
        />
      </div>
      {workspace && <WorkspaceDetails workspace={workspace} />}
      {workspace && <SnapshotPanel workspace={workspace} client={client} />}
    </>
  )
}

function NotFound({ error }: { readonly error: string }) {
  return (
    <>
      <p class="back">
        <a href="#/">← All workspaces</a>
      </p>
      <h1>Nothing here</h1>
      <p class="notice trouble" role="alert">
        {error}
      </p>
    </>
  )
}

function FailureReason({ workspace: { error_message, status } }: { readonly workspace: Workspace }) {
  if (error_message === undefined) return null
  return (
    <div class={status === 'failed' ? 'notice trouble' : 'notice'}>
      <h2>{status === 'failed' ? 'Why it failed' : 'What it says'}</h2>
      <p class="reason">{error_message}</p>
    </div>
  )
}

/** A history that goes on as things happen. The feed may tell of a line that was read already. */
function useWorkspaceHistory(id: string, client: Client, fleet: FleetStore) {
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
