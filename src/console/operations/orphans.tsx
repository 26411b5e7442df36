import { useState } from 'preact/hooks'
import type { Client, OrphanResponse } from '../../client/client.ts'
import { AdoptOrphanDialog, orphanTitle } from './adopt-orphan-dialog.tsx'
import { errorText } from '../fleet/fleet-store.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'
import { Modal } from '../modal.tsx'
import { useQuery } from '../use-query.ts'

interface Props {
  readonly client: Client
  readonly fleet: FleetStore
  readonly count: number
  /** Told that there is one less. */
  readonly onChange: () => void
}

/** Containers that belong to no workspace, each to be made one again or to be removed. */
export function OrphansPanel({ client, fleet, count, onChange }: Props) {
  const { data: orphans, error, refetch } = useQuery(client.orphans, null, [client, count])
  const [dialog, setDialog] = useState<{ readonly action: 'adopt' | 'remove'; readonly orphan: OrphanResponse } | null>(
    null,
  )
  const [message, setMessage] = useState<{ readonly text: string; readonly isError: boolean } | null>(null)
  const closeDialog = () => setDialog(null)
  const onDone = (text: string) => {
    setDialog(null)
    setMessage({ text, isError: false })
    refetch()
    onChange()
  }

  async function remove({ container_id: containerId }: OrphanResponse) {
    setDialog(null)
    try {
      await client.removeOrphan(containerId)
      onDone('The container is removed.')
    } catch (caught) {
      setMessage({ text: errorText(caught), isError: true })
    }
  }

  return (
    <section class="panel" aria-labelledby="orphans">
      <h2 id="orphans">Containers without a workspace</h2>
      <p class="soft">
        They carry this installation’s label, and the database never heard of them: an older one was put back. Nothing
        is done to them unless you say so.
      </p>
      {error !== null && (
        <p class="notice trouble" role="alert">
          They cannot be listed. {error}
        </p>
      )}
      <ul class="orphans">
        {(orphans ?? []).map((orphan) => (
          <li key={orphan.container_id}>
            <span class="grow">
              <strong>{orphan.name ?? 'No name'}</strong>{' '}
              <span class="soft">
                {orphan.owner === undefined ? 'of nobody known' : `of ${orphan.owner}`}, {orphan.state}
                {orphan.template !== undefined && `, from ${orphan.template}`}
              </span>
              <code title={orphan.container_id}>{orphan.container_id.slice(0, 20)}</code>
            </span>
            <span class="row">
              <button type="button" onClick={() => setDialog({ action: 'adopt', orphan })}>
                Adopt<span class="hidden"> {orphanTitle(orphan)}</span>
              </button>
              <button type="button" class="danger" onClick={() => setDialog({ action: 'remove', orphan })}>
                Remove<span class="hidden"> {orphanTitle(orphan)}</span>
              </button>
            </span>
          </li>
        ))}
      </ul>
      <p role="status" class={message?.isError === true ? 'notice trouble' : 'soft'}>
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
        <Modal titleId="asked-orphan" onClose={closeDialog}>
          <h2 id="asked-orphan">Remove {orphanTitle(dialog.orphan)}?</h2>
          <p>The container and everything in it is destroyed. This cannot be undone.</p>
          <div class="row end">
            <button type="button" onClick={closeDialog} autofocus>
              Keep it as it is
            </button>
            <button type="button" class="danger solid" onClick={() => void remove(dialog.orphan)}>
              Remove {orphanTitle(dialog.orphan)}
            </button>
          </div>
        </Modal>
      )}
    </section>
  )
}
