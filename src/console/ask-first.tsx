import { useState } from 'preact/hooks'
import type { Workspace } from '../client/client.ts'
import { Modal } from './modal.tsx'

interface Props {
  readonly act: 'extend' | 'delete'
  readonly chosen: readonly Workspace[]
  readonly yes: (ttlSeconds: number | null) => void
  readonly no: () => void
}

/** So many of those that are meant are named. */
const named = 10

const lifetimes = [
  ['1 hour', 3600],
  ['1 day', 86_400],
  ['7 days', 604_800],
  ['30 days', 2_592_000],
] as const

/** Asks before something is destroyed, and for how long something is to live. Escape is no. */
export function AskFirst({ act, chosen, yes, no }: Props) {
  const [ttl, setTtl] = useState('86400')
  const [first] = chosen
  const whom = chosen.length === 1 && first ? first.name : `${chosen.length} workspaces`
  return (
    <Modal title="asked" close={no}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          yes(ttl === '' ? null : Number(ttl))
        }}
      >
        <h2 id="asked">
          {act === 'delete' ? 'Delete' : 'Extend'} {whom}?
        </h2>
        {chosen.length > 1 && (
          <p class="soft reason">
            {chosen
              .slice(0, named)
              .map(({ name }) => name)
              .join(', ')}
            {chosen.length > named && ` and ${chosen.length - named} more`}
          </p>
        )}
        {act === 'delete' ? (
          <p>The container and everything in it is destroyed. This cannot be undone.</p>
        ) : (
          <p>
            <label>
              It lives from now on for{' '}
              <select value={ttl} onChange={(event) => setTtl(event.currentTarget.value)}>
                {lifetimes.map(([name, seconds]) => (
                  <option key={name} value={seconds}>
                    {name}
                  </option>
                ))}
                <option value="">ever</option>
              </select>
            </label>
          </p>
        )}
        <div class="row end">
          <button type="button" onClick={no} autofocus>
            Keep it as it is
          </button>
          <button type="submit" class={act === 'delete' ? 'danger solid' : 'main'}>
            {act === 'delete' ? 'Delete' : 'Extend'} {whom}
          </button>
        </div>
      </form>
    </Modal>
  )
}
