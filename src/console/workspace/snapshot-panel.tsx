import type { ComponentChildren } from 'preact'
import type { Client, Snapshot, Workspace } from '../../client/client.ts'
import { formatTime } from '../time-format.ts'
import { countdown } from '../fleet/alerts.tsx'
import { useQuery } from '../use-query.ts'
import { useNow } from '../fleet/use-fleet.ts'

type SnapshotContext = NonNullable<Snapshot['context']>

/** What the statechart of a workspace remembers, in words. It is read again whenever the workspace has changed. */
export function SnapshotPanel({ workspace, client }: { readonly workspace: Workspace; readonly client: Client }) {
  const { id, state, updated_at } = workspace
  const { data: snapshot, error } = useQuery(() => client.snapshot(id), null, [client, id, state, updated_at])
  return (
    <section class="panel" aria-labelledby="remembered">
      <h2 id="remembered">What its statechart remembers</h2>
      {error !== null && (
        <p class="notice trouble" role="alert">
          It cannot be read. {error}
        </p>
      )}
      {snapshot === null && error === null && <p class="pending">Loading…</p>}
      {snapshot?.context === null && <p class="pending">This version cannot read its record.</p>}
      {snapshot?.context && (
        <div class="columns">
          <ProgressTable snapshot={snapshot} context={snapshot.context} />
          <SpecTable {...snapshot.context.spec} />
        </div>
      )}
    </section>
  )
}

/** Where it is on its way, and what it has so far. */
function ProgressTable({
  snapshot: { revision, state, updated_at },
  context,
}: {
  snapshot: Snapshot
  context: SnapshotContext
}) {
  const now = useNow()
  const { deadline, waitingForEngine, imageId, containerId, prepared, progress, retryAt, step, attempts } = context
  const isSettled = /^(running\.up|stopped\.idle|failed)$/.test(state)
  return (
    <table class="remembered">
      <caption>Its way</caption>
      <tbody>
        <SnapshotRow name="state">{state}</SnapshotRow>
        <SnapshotRow name="revision">
          {revision}, written at {formatTime(updated_at, now)}
        </SnapshotRow>
        <SnapshotRow name="step reached">{step}</SnapshotRow>
        <SnapshotRow name="failed tries">{attempts}</SnapshotRow>
        <SnapshotRow name="deadline">{isSettled ? 'none: nothing is under way' : countdown(deadline, now)}</SnapshotRow>
        <SnapshotRow name="tried again">
          {retryAt === null || !state.endsWith('waiting') ? 'no wait' : countdown(retryAt, now)}
          {state.endsWith('waiting') && waitingForEngine && ', or when the engine is back'}
        </SnapshotRow>
        <SnapshotRow name="says">{progress ?? context.reason ?? 'nothing'}</SnapshotRow>
        <SnapshotRow name="image">{imageId === null ? 'none yet' : <code>{imageId}</code>}</SnapshotRow>
        <SnapshotRow name="container">{containerId === null ? 'none' : <code>{containerId}</code>}</SnapshotRow>
        <SnapshotRow name="prepared">{prepared ? 'yes: commands for a new container have run' : 'no'}</SnapshotRow>
        <SnapshotRow name="expires">
          {context.expiresAt === null ? 'never' : formatTime(context.expiresAt, now)}
        </SnapshotRow>
      </tbody>
    </table>
  )
}

/** The template as it was when the workspace was made. */
function SpecTable(spec: SnapshotContext['spec']) {
  const { cpus, memoryBytes, pids } = spec.limits
  const commands = [...spec.onCreate, ...spec.postCreate, ...spec.postStart]
  const joinValues = (values: readonly (string | number)[]) => (values.length === 0 ? 'none' : values.join(', '))
  return (
    <table class="remembered">
      <caption>Spec</caption>
      <tbody>
        <SnapshotRow name="image">{spec.image}</SnapshotRow>
        <SnapshotRow name="limits">
          {cpus} CPU, {Math.round(memoryBytes / 2 ** 20)} MiB, {pids} processes
        </SnapshotRow>
        <SnapshotRow name="user">{spec.remoteUser ?? 'the image’s'}</SnapshotRow>
        <SnapshotRow name="folder">{spec.workspaceFolder}</SnapshotRow>
        <SnapshotRow name="ports">{joinValues(spec.forwardPorts)}</SnapshotRow>
        <SnapshotRow name="variables">{joinValues([...spec.containerEnv, ...spec.remoteEnv])}</SnapshotRow>
        <SnapshotRow name="runs">{spec.overrideCommand ? 'a keeper' : 'the image’s own command'}</SnapshotRow>
        <SnapshotRow name="init process">{spec.init ? 'yes' : 'no'}</SnapshotRow>
        {commands.map(({ name, run }) => (
          <SnapshotRow key={name} name={name}>
            <code>{typeof run === 'string' ? run : run.join(' ')}</code>
          </SnapshotRow>
        ))}
      </tbody>
    </table>
  )
}

function SnapshotRow({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{children}</td>
    </tr>
  )
}
