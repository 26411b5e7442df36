import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Client, HistoryLine, Workspace } from '../client/client.ts'
import { ActBar } from './act-bar.tsx'
import { Chart } from './chart.tsx'
import { Facts } from './facts.tsx'
import type { Fleet } from './fleet.ts'
import { said } from './fleet.ts'
import { Remembered } from './remembered.tsx'
import { StateBadge } from './state-badge.tsx'
import { Terminal } from './terminal.tsx'
import { Timeline } from './timeline.tsx'
import { useFleet } from './use-fleet.ts'

interface Props {
  readonly id: string
  readonly client: Client
  readonly fleet: Fleet
}

/** One workspace: where it is, how it came there, and what may be done with it. */
export function WorkspacePage({ id, client, fleet }: Props) {
  const { workspaces, loaded } = useFleet(fleet)
  const workspace = useMemo(() => workspaces.find((one) => one.id === id), [workspaces, id])
  const { lines, trouble } = useHistory(id, client, fleet)
  /** The step that is looked at; `null`: the last one, whichever that is. */
  const [step, setStep] = useState<number | null>(null)
  const last = (lines?.length ?? 0) - 1
  const at = step ?? last
  const line = lines?.[at]
  const state = step === null ? (workspace?.state ?? line?.to) : line?.to
  const marks = useMemo(
    () => ({ ...(state !== undefined && { state }), path: lines?.slice(0, at + 1) ?? [] }),
    [state, lines, at],
  )

  // Whoever comes by a link may come before the list.
  useEffect(() => {
    if (!workspace) fleet.refresh(id)
  }, [id, workspace === undefined])

  if (!workspace && trouble !== null) return <Missing trouble={trouble} />
  if (!workspace && lines === null) return <p class="pending">Loading the workspace…</p>
  const isGone = !workspace && loaded
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
      {isGone && <p class="notice">It is deleted. What happened to it can still be read for a while.</p>}
      {workspace && <Reason workspace={workspace} />}
      {workspace && <ActBar client={client} fleet={fleet} chosen={[workspace]} />}
      <div class="columns chart-and-line">
        <div class="stack">
          <section class="panel" aria-labelledby="chart-title">
            <h2 id="chart-title">{step === null ? 'Now' : `Step ${at + 1} of ${last + 1}, as it was then`}</h2>
            <Chart
              client={client}
              view="near"
              marks={marks}
              label={`Statechart. ${step === null ? 'It is' : 'It was then'} ${state ?? 'nowhere'}.`}
            />
          </section>
          {workspace && <Terminal workspace={workspace} client={client} />}
        </div>
        <Timeline lines={lines ?? []} at={at} replaying={step !== null} choose={setStep} over={isGone} />
      </div>
      {workspace && <Facts workspace={workspace} />}
      {workspace && <Remembered workspace={workspace} client={client} />}
    </>
  )
}

function Missing({ trouble }: { readonly trouble: string }) {
  return (
    <>
      <p class="back">
        <a href="#/">← All workspaces</a>
      </p>
      <h1>Nothing here</h1>
      <p class="notice trouble" role="alert">
        {trouble}
      </p>
    </>
  )
}

function Reason({ workspace: { error_message, status } }: { readonly workspace: Workspace }) {
  if (error_message === undefined) return null
  return (
    <div class={status === 'failed' ? 'notice trouble' : 'notice'}>
      <h2>{status === 'failed' ? 'Why it failed' : 'What it says'}</h2>
      <p class="reason">{error_message}</p>
    </div>
  )
}

/** A history that goes on as things happen. The feed may tell of a line that was read already. */
function useHistory(id: string, client: Client, fleet: Fleet) {
  const [lines, setLines] = useState<readonly HistoryLine[] | null>(null)
  const [trouble, setTrouble] = useState<string | null>(null)
  useEffect(() => {
    let over = false
    let known: readonly HistoryLine[] = []
    const take = (more: readonly HistoryLine[]) => {
      const bySeq = new Map([...known, ...more].map((line) => [line.seq, line]))
      known = [...bySeq.values()].sort((one, other) => one.seq - other.seq)
      if (!over) setLines(known)
    }
    const stop = fleet.onTransition((transition) => {
      if (transition.workspace === id) take([transition])
    })
    const read = async () => {
      for await (const page of client.history(id)) take(page)
    }
    void read().catch((error: unknown) => over || setTrouble(said(error)))
    return () => {
      over = true
      stop()
    }
  }, [id, client, fleet])
  return { lines, trouble }
}
