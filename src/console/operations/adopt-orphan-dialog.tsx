import { useState } from 'preact/hooks'
import type { Client, OrphanResponse } from '../../client/client.ts'
import { errorText } from '../error-text.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'
import { Modal } from '../modal.tsx'
import { useQuery } from '../use-query.ts'

interface Props {
  readonly client: Client
  readonly fleet: FleetStore
  readonly orphan: OrphanResponse
  readonly onCancel: () => void
  /** Called with a message about the new workspace. */
  readonly onAdopted: (message: string) => void
}

/** Asks for what the container's labels leave out, and adopts it. The dialog stays open if the service refuses. */
export function AdoptOrphanDialog({ client, fleet, orphan, onCancel, onAdopted }: Props) {
  const { data: templates } = useQuery(client.templates, null, [client])
  const [name, setName] = useState(orphan.name ?? '')
  const [owner, setOwner] = useState(orphan.owner ?? '')
  const [template, setTemplate] = useState(orphan.template ?? '')
  const [error, setError] = useState<string | null>(null)
  const templateNames = templates?.map((item) => item.name) ?? []
  const choices = template === '' || templateNames.includes(template) ? templateNames : [template, ...templateNames]

  async function adopt() {
    setError(null)
    try {
      const workspace = await client.adoptOrphan(orphan.container_id, {
        name,
        template,
        ...(orphan.owner === undefined && { owner }),
      })
      fleet.putWorkspace(workspace)
      onAdopted(`Adopted as ${workspace.name}, owned by ${workspace.owner}. The workspace is starting.`)
    } catch (caught) {
      setError(errorText(caught))
    }
  }

  return (
    <Modal titleId="adopt-title" onClose={onCancel}>
      <form
        class="form-fields"
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          void adopt()
        }}
      >
        <h2 id="adopt-title">Adopt {orphanTitle(orphan)}?</h2>
        <p>The container becomes a workspace, keeps its files, and is started.</p>
        <label>
          Owner
          <input
            value={owner}
            onInput={(event) => setOwner(event.currentTarget.value)}
            readOnly={orphan.owner !== undefined}
            required
          />
        </label>
        <label>
          Name
          <input value={name} onInput={(event) => setName(event.currentTarget.value)} maxLength={63} required />
        </label>
        <label>
          Template
          <select value={template} onChange={(event) => setTemplate(event.currentTarget.value)} required>
            {template === '' && <option value="">Select a template</option>}
            {choices.map((choice) => (
              <option key={choice} value={choice}>
                {choice}
              </option>
            ))}
          </select>
        </label>
        {error !== null && (
          <p class="notice error" role="alert">
            {error}
          </p>
        )}
        <div class="row justify-end">
          <button type="button" onClick={onCancel} autofocus>
            Cancel
          </button>
          <button type="submit" class="primary">
            Adopt {orphanTitle(orphan)}
          </button>
        </div>
      </form>
    </Modal>
  )
}

/** The name of the container's former workspace, or the beginning of its id. */
export function orphanTitle({ container_id, name }: OrphanResponse): string {
  return name ?? container_id.slice(0, 20)
}
