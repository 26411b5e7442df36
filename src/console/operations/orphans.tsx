import { useState } from 'preact/hooks'
import type { Client, OrphanResponse } from '../../client/client.ts'
import { errorText } from '../error-text.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'
import { Modal } from '../modal.tsx'
import { useQuery } from '../use-query.ts'
import { AdoptOrphanDialog, orphanTitle } from './adopt-orphan-dialog.tsx'

interface Props {
  readonly client: Client
  readonly fleet: FleetStore
  readonly count: number
  /** Called after a container was adopted or removed. */
  readonly onChange: () => void
}

interface OpenDialog {
  readonly action: 'adopt' | 'remove'
  readonly orphan: OrphanResponse
}

/** Containers without a workspace, each of which can be adopted or removed. */
export function OrphansPanel({ client, fleet, count, onChange }: Props) {
  const { data: orphans, error, refetch } = useQuery(client.orphans, null, [client, count])
  const [dialog, setDialog] = useState<OpenDialog | null>(null)
  const [message, setMessage] = useState<{ readonly text: string; readonly isError: boolean } | null>(null)
  const closeDialog = () => setDialog(null)
  const onDone = (text: string) => {
    closeDialog()
    setMessage({ text, isError: false })
    refetch()
    onChange()
  }

  async function remove({ container_id: containerId }: OrphanResponse) {
    closeDialog()
    try {
      await client.removeOrphan(containerId)
      onDone('The container was removed.')
    } catch (caught) {
      setMessage({ text: errorText(caught), isError: true })
    }
  }

  return (
    <section class="panel" aria-labelledby="orphans">
      <h2 id="orphans">Orphaned containers</h2>
      <p class="muted">
        These containers carry the label of this installation, but the database has no workspace for them. This happens
        after an older database was restored. The service leaves them alone until you adopt or remove them.
      </p>
      {error !== null && (
        <p class="notice error" role="alert">
          The orphaned containers cannot be listed. {error}
        </p>
      )}
      <ul class="orphans">
        {(orphans ?? []).map((orphan) => (
          <OrphanItem key={orphan.container_id} orphan={orphan} onSelect={(action) => setDialog({ action, orphan })} />
        ))}
      </ul>
      <p role="status" class={message?.isError === true ? 'notice error' : 'muted'}>
        {message?.text}
      </p>
      {dialog?.action === 'adopt' && (
        <AdoptOrphanDialog
          client={client}
          fleet={fleet}
          orphan={dialog.orphan}
          onCancel={closeDialog}
          onAdopted={onDone}
        />
      )}
      {dialog?.action === 'remove' && (
        <RemoveOrphanDialog
          orphan={dialog.orphan}
          onCancel={closeDialog}
          onConfirm={() => void remove(dialog.orphan)}
        />
      )}
    </section>
  )
}

interface OrphanItemProps {
  readonly orphan: OrphanResponse
  readonly onSelect: (action: OpenDialog['action']) => void
}

function OrphanItem({ orphan, onSelect }: OrphanItemProps) {
  return (
    <li>
      <span class="orphan-summary">
        <strong>{orphan.name ?? 'Unnamed'}</strong>{' '}
        <span class="muted">
          {orphan.owner === undefined ? 'unknown owner' : `owned by ${orphan.owner}`}, {orphan.state}
          {orphan.template !== undefined && `, template ${orphan.template}`}
        </span>
        <code title={orphan.container_id}>{orphan.container_id.slice(0, 20)}</code>
      </span>
      <span class="row">
        <button type="button" onClick={() => onSelect('adopt')}>
          Adopt<span class="visually-hidden"> {orphanTitle(orphan)}</span>
        </button>
        <button type="button" class="danger" onClick={() => onSelect('remove')}>
          Remove<span class="visually-hidden"> {orphanTitle(orphan)}</span>
        </button>
      </span>
    </li>
  )
}

interface RemoveOrphanProps {
  readonly orphan: OrphanResponse
  readonly onCancel: () => void
  readonly onConfirm: () => void
}

function RemoveOrphanDialog({ orphan, onCancel, onConfirm }: RemoveOrphanProps) {
  return (
    <Modal titleId="remove-orphan-title" onClose={onCancel}>
      <h2 id="remove-orphan-title">Remove {orphanTitle(orphan)}?</h2>
      <p>This destroys the container and everything in it, and cannot be undone.</p>
      <div class="row justify-end">
        <button type="button" onClick={onCancel} autofocus>
          Cancel
        </button>
        <button type="button" class="danger filled" onClick={onConfirm}>
          Remove {orphanTitle(orphan)}
        </button>
      </div>
    </Modal>
  )
}
