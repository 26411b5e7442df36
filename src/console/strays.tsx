import { useState } from 'preact/hooks'
import type { Client, Stray } from '../client/client.ts'
import { AdoptStray, titleOf } from './adopt-stray.tsx'
import { said } from './fleet.ts'
import type { Fleet } from './fleet.ts'
import { Modal } from './modal.tsx'
import { useAsked } from './use-asked.ts'

interface Props {
  readonly client: Client
  readonly fleet: Fleet
  readonly many: number
  /** Told that there is one less. */
  readonly changed: () => void
}

/** Containers that belong to no workspace, each to be made one again or to be removed. */
export function Strays({ client, fleet, many, changed }: Props) {
  const { answer, trouble, again } = useAsked(client.strays, null, [client, many])
  const [asked, setAsked] = useState<{ readonly act: 'adopt' | 'remove'; readonly stray: Stray } | null>(null)
  const [told, setTold] = useState<{ readonly text: string; readonly bad: boolean } | null>(null)
  const close = () => setAsked(null)
  const done = (text: string) => {
    setAsked(null)
    setTold({ text, bad: false })
    again()
    changed()
  }

  async function remove({ container_id: container }: Stray) {
    setAsked(null)
    try {
      await client.removeStray(container)
      done('The container is removed.')
    } catch (error) {
      setTold({ text: said(error), bad: true })
    }
  }

  return (
    <section class="panel" aria-labelledby="strays">
      <h2 id="strays">Containers without a workspace</h2>
      <p class="soft">
        They carry this installation’s label, and the database never heard of them: an older one was put back. Nothing
        is done to them unless you say so.
      </p>
      {trouble !== null && (
        <p class="notice trouble" role="alert">
          They cannot be listed. {trouble}
        </p>
      )}
      <ul class="strays">
        {(answer ?? []).map((stray) => (
          <li key={stray.container_id}>
            <span class="grow">
              <strong>{stray.name ?? 'No name'}</strong>{' '}
              <span class="soft">
                {stray.owner === undefined ? 'of nobody known' : `of ${stray.owner}`}, {stray.state}
                {stray.template !== undefined && `, from ${stray.template}`}
              </span>
              <code title={stray.container_id}>{stray.container_id.slice(0, 20)}</code>
            </span>
            <span class="row">
              <button type="button" onClick={() => setAsked({ act: 'adopt', stray })}>
                Adopt<span class="hidden"> {titleOf(stray)}</span>
              </button>
              <button type="button" class="danger" onClick={() => setAsked({ act: 'remove', stray })}>
                Remove<span class="hidden"> {titleOf(stray)}</span>
              </button>
            </span>
          </li>
        ))}
      </ul>
      <p role="status" class={told?.bad === true ? 'notice trouble' : 'soft'}>
        {told?.text}
      </p>
      {asked?.act === 'adopt' && (
        <AdoptStray client={client} fleet={fleet} stray={asked.stray} no={close} done={done} />
      )}
      {asked?.act === 'remove' && (
        <Modal title="asked-stray" close={close}>
          <h2 id="asked-stray">Remove {titleOf(asked.stray)}?</h2>
          <p>The container and everything in it is destroyed. This cannot be undone.</p>
          <div class="row end">
            <button type="button" onClick={close} autofocus>
              Keep it as it is
            </button>
            <button type="button" class="danger solid" onClick={() => void remove(asked.stray)}>
              Remove {titleOf(asked.stray)}
            </button>
          </div>
        </Modal>
      )}
    </section>
  )
}
