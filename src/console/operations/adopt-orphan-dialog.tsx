import { useState } from 'preact/hooks'
import type { Client, OrphanResponse } from '../../client/client.ts'
import { errorText } from '../fleet/fleet-store.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'
import { Modal } from '../modal.tsx'
import { useQuery } from '../use-query.ts'

interface Props {
  readonly client: Client
  readonly fleet: FleetStore
  readonly orphan: OrphanResponse
  readonly onCancel: () => void
  readonly onAdopted: (text: string) => void
}

/** Asks what a container does not tell of itself, and makes it a workspace again. A refusal leaves the question open. */
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
      onAdopted(`${workspace.name} of ${workspace.owner} is a workspace again and is being started.`)
    } catch (caught) {
      setError(errorText(caught))
    }
  }

  return (
    <Modal titleId="asked-adopt" onClose={onCancel}>
      <form
        class="fields"
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          void adopt()
        }}
      >
        <h2 id="asked-adopt">Adopt {orphanTitle(orphan)}?</h2>
        <p>It becomes a workspace and is started. Its files stay.</p>
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
            {template === '' && <option value="">Choose one</option>}
            {choices.map((choice) => (
              <option key={choice} value={choice}>
                {choice}
              </option>
            ))}
          </select>
        </label>
        {error !== null && (
          <p class="notice trouble" role="alert">
            {error}
          </p>
        )}
        <div class="row end">
          <button type="button" onClick={onCancel} autofocus>
            Leave it alone
          </button>
          <button type="submit" class="main">
            Adopt {orphanTitle(orphan)}
          </button>
        </div>
      </form>
    </Modal>
  )
}

/** What a container is called in words: as its workspace was, else by its id. */
export function orphanTitle({ container_id, name }: OrphanResponse): string {
  return name ?? container_id.slice(0, 20)
}
