import { useState } from 'preact/hooks'
import type { Client, Stray } from '../client/client.ts'
import { said } from './fleet.ts'
import type { Fleet } from './fleet.ts'
import { Modal } from './modal.tsx'
import { useAsked } from './use-asked.ts'

interface Props {
  readonly client: Client
  readonly fleet: Fleet
  readonly stray: Stray
  readonly no: () => void
  readonly done: (text: string) => void
}

/** Asks what a container does not tell of itself, and makes it a workspace again. A refusal leaves the question open. */
export function AdoptStray({ client, fleet, stray, no, done }: Props) {
  const { answer: templates } = useAsked(client.templates, null, [client])
  const [name, setName] = useState(stray.name ?? '')
  const [owner, setOwner] = useState(stray.owner ?? '')
  const [template, setTemplate] = useState(stray.template ?? '')
  const [refusal, setRefusal] = useState<string | null>(null)
  const known = templates?.map((one) => one.name) ?? []
  const choices = template === '' || known.includes(template) ? known : [template, ...known]

  async function adopt() {
    setRefusal(null)
    try {
      const made = await client.adoptStray(stray.container_id, {
        name,
        template,
        ...(stray.owner === undefined && { owner }),
      })
      fleet.answered(made)
      done(`${made.name} of ${made.owner} is a workspace again and is being started.`)
    } catch (error) {
      setRefusal(said(error))
    }
  }

  return (
    <Modal title="asked-adopt" close={no}>
      <form
        class="fields"
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          void adopt()
        }}
      >
        <h2 id="asked-adopt">Adopt {titleOf(stray)}?</h2>
        <p>It becomes a workspace and is started. Its files stay.</p>
        <label>
          Owner
          <input
            value={owner}
            onInput={(event) => setOwner(event.currentTarget.value)}
            readOnly={stray.owner !== undefined}
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
        {refusal !== null && (
          <p class="notice trouble" role="alert">
            {refusal}
          </p>
        )}
        <div class="row end">
          <button type="button" onClick={no} autofocus>
            Leave it alone
          </button>
          <button type="submit" class="main">
            Adopt {titleOf(stray)}
          </button>
        </div>
      </form>
    </Modal>
  )
}

/** What a container is called in words: as its workspace was, else by its id. */
export function titleOf({ container_id, name }: Stray): string {
  return name ?? container_id.slice(0, 20)
}
