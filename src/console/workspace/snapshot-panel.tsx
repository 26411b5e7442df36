import type { ComponentChildren } from 'preact'
import type { Client, Snapshot, Workspace } from '../../client/client.ts'
import { countdown, formatTime } from '../time-format.ts'
import { useNow } from '../use-now.ts'
import { useQuery } from '../use-query.ts'

type SnapshotContext = NonNullable<Snapshot['context']>

/** The stored snapshot of a workspace. It is read again after each change of the workspace. */
export function SnapshotPanel({ workspace, client }: { readonly workspace: Workspace; readonly client: Client }) {
  const { id, state, updated_at, settled } = workspace
  const { data: snapshot, error } = useQuery(() => client.snapshot(id), null, [client, id, state, updated_at])
  return (
    <section class="panel" aria-labelledby="snapshot">
      <h2 id="snapshot">Snapshot</h2>
      {error !== null && (
        <p class="notice error" role="alert">
          The snapshot cannot be loaded. {error}
        </p>
      )}
      {snapshot === null && error === null && <p class="placeholder">Loading…</p>}
      {snapshot?.context === null && <p class="placeholder">This version cannot read the stored snapshot.</p>}
      {snapshot?.context && (
        <div class="columns">
          <ProgressTable snapshot={snapshot} context={snapshot.context} settled={settled} />
          <SpecTable {...snapshot.context.spec} />
        </div>
      )}
    </section>
  )
}

interface ProgressProps {
  readonly snapshot: Snapshot
  readonly context: SnapshotContext
  readonly settled: boolean
}

/** The state of the lifecycle: the step, its retries and deadline, and the resources so far. */
function ProgressTable({ snapshot: { revision, state, updated_at }, context, settled }: ProgressProps) {
  const now = useNow()
  const { deadline, waitingForEngine, imageId, containerId, prepared, progress, retryAt, step, attempts } = context
  const nextRetry = retryAt !== null && state.endsWith('.waiting') ? countdown(retryAt, now) : null
  return (
    <table class="snapshot-table">
      <caption>Progress</caption>
      <tbody>
        <SnapshotRow name="state">{state}</SnapshotRow>
        <SnapshotRow name="revision">
          {revision}, written at {formatTime(updated_at, now)}
        </SnapshotRow>
        <SnapshotRow name="step">{step}</SnapshotRow>
        <SnapshotRow name="failed attempts">{attempts}</SnapshotRow>
        <SnapshotRow name="deadline">{settled ? 'none: nothing is in progress' : countdown(deadline, now)}</SnapshotRow>
        <SnapshotRow name="next retry">
          {nextRetry ?? 'none'}
          {nextRetry !== null && waitingForEngine && ', or once the engine is back'}
        </SnapshotRow>
        <SnapshotRow name="message">{progress ?? context.reason ?? 'none'}</SnapshotRow>
        <SnapshotRow name="image">{imageId === null ? 'none' : <code>{imageId}</code>}</SnapshotRow>
        <SnapshotRow name="container">{containerId === null ? 'none' : <code>{containerId}</code>}</SnapshotRow>
        <SnapshotRow name="prepared">
          {prepared ? 'yes: the commands for a new container have succeeded' : 'no'}
        </SnapshotRow>
        <SnapshotRow name="expires">
          {context.expiresAt === null ? 'never' : formatTime(context.expiresAt, now)}
        </SnapshotRow>
      </tbody>
    </table>
  )
}

/** The spec, copied from the template when the workspace was created. */
function SpecTable(spec: SnapshotContext['spec']) {
  const { cpus, memoryBytes, pids } = spec.limits
  const commands = [...spec.onCreate, ...spec.postCreate, ...spec.postStart]
  const joinValues = (values: readonly (string | number)[]) => (values.length === 0 ? 'none' : values.join(', '))
  return (
    <table class="snapshot-table">
      <caption>Spec</caption>
      <tbody>
        <SnapshotRow name="image">{spec.image}</SnapshotRow>
        <SnapshotRow name="limits">
          {cpus} CPU, {Math.round(memoryBytes / 2 ** 20)} MiB, {pids} processes
        </SnapshotRow>
        <SnapshotRow name="user">{spec.remoteUser ?? 'default of the image'}</SnapshotRow>
        <SnapshotRow name="folder">{spec.workspaceFolder}</SnapshotRow>
        <SnapshotRow name="ports">{joinValues(spec.forwardPorts)}</SnapshotRow>
        <SnapshotRow name="variables">{joinValues([...spec.containerEnv, ...spec.remoteEnv])}</SnapshotRow>
        <SnapshotRow name="main process">
          {spec.overrideCommand ? 'a keeper process' : 'the command of the image'}
        </SnapshotRow>
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
