import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Client, Workspace } from '../../client/client.ts'
import { ActionBar } from '../actions/action-bar.tsx'
import type { FleetStore } from '../fleet/fleet-store.ts'
import { useFleet } from '../fleet/use-fleet.ts'
import { ShellPanel } from '../shell/shell-panel.tsx'
import { StatechartView } from '../statechart/statechart-view.tsx'
import { SnapshotPanel } from './snapshot-panel.tsx'
import { StateBadge } from './state-badge.tsx'
import { Timeline } from './timeline.tsx'
import { useWorkspaceHistory } from './use-workspace-history.ts'
import { WorkspaceDetails } from './workspace-details.tsx'

interface Props {
  readonly id: string
  readonly client: Client
  readonly fleet: FleetStore
}

/** One workspace: its state, its history and its actions. */
export function WorkspacePage({ id, client, fleet }: Props) {
  const { workspaces, loaded } = useFleet(fleet)
  const workspace = useMemo(() => workspaces.find((candidate) => candidate.id === id), [workspaces, id])
  const { lines, error } = useWorkspaceHistory(id, client, fleet)
  /** The transition that is replayed; `null` follows the latest one. */
  const [replayedIndex, setReplayedIndex] = useState<number | null>(null)
  const lastIndex = (lines?.length ?? 0) - 1
  const index = replayedIndex ?? lastIndex
  const shownLine = lines?.[index]
  const state = replayedIndex === null ? (workspace?.state ?? shownLine?.to) : shownLine?.to
  const highlights = useMemo(
    () => ({ ...(state !== undefined && { state }), path: lines?.slice(0, index + 1) ?? [] }),
    [state, lines, index],
  )

  // A direct link may open the page before the list is loaded.
  useEffect(() => {
    if (!workspace) fleet.refresh(id)
  }, [id, workspace === undefined])

  if (!workspace && error !== null) return <NotFound error={error} />
  if (!workspace && lines === null) return <p class="placeholder">Loading the workspace…</p>
  const isDeleted = !workspace && loaded
  return (
    <>
      <Breadcrumb />
      <div class="page-title">
        <h1>{workspace?.name ?? id}</h1>
        {workspace && <StateBadge workspace={workspace} />}
        {workspace?.progress !== undefined && <span class="muted">{workspace.progress}</span>}
      </div>
      {isDeleted && <p class="notice">This workspace was deleted. Its history remains available for a while.</p>}
      {workspace && <FailureReason workspace={workspace} />}
      {workspace && <ActionBar client={client} fleet={fleet} selected={[workspace]} />}
      <div class="columns statechart-and-timeline">
        <div class="stack">
          <section class="panel" aria-labelledby="statechart-title">
            <h2 id="statechart-title">
              {replayedIndex === null ? 'Current state' : `Transition ${index + 1} of ${lastIndex + 1}`}
            </h2>
            <StatechartView
              client={client}
              view="detail"
              highlights={highlights}
              label={`Statechart. ${replayedIndex === null ? 'Current' : 'Past'} state: ${state ?? 'none'}.`}
            />
          </section>
          {workspace && <ShellPanel workspace={workspace} client={client} />}
        </div>
        <Timeline
          lines={lines ?? []}
          selectedIndex={index}
          isReplaying={replayedIndex !== null}
          onSelect={setReplayedIndex}
          isComplete={isDeleted}
        />
      </div>
      {workspace && <WorkspaceDetails workspace={workspace} />}
      {workspace && <SnapshotPanel workspace={workspace} client={client} />}
    </>
  )
}

function Breadcrumb() {
  return (
    <p class="breadcrumb">
      <a href="#/">← All workspaces</a>
    </p>
  )
}

function NotFound({ error }: { readonly error: string }) {
  return (
    <>
      <Breadcrumb />
      <h1>Workspace not found</h1>
      <p class="notice error" role="alert">
        {error}
      </p>
    </>
  )
}

function FailureReason({ workspace: { error_message, status } }: { readonly workspace: Workspace }) {
  if (error_message === undefined) return null
  return (
    <div class={status === 'failed' ? 'notice error' : 'notice'}>
      <h2>{status === 'failed' ? 'Reason for the failure' : 'Reason for this state'}</h2>
      <p class="reason">{error_message}</p>
    </div>
  )
}
