import { useState } from 'preact/hooks'
import type { Workspace } from '../../client/client.ts'
import { Modal } from '../modal.tsx'

interface Props {
  readonly action: 'extend' | 'delete'
  readonly selected: readonly Workspace[]
  readonly onConfirm: (ttlSeconds: number | null) => void
  readonly onCancel: () => void
}

/** So many of those that are meant are named. */
const maxNames = 10

const ttlOptions = [
  ['1 hour', 3600],
  ['1 day', 86_400],
  ['7 days', 604_800],
  ['30 days', 2_592_000],
] as const

/** Asks before something is destroyed, and for how long something is to live. Escape is no. */
export function ConfirmActionDialog({ action, selected, onConfirm, onCancel }: Props) {
  const [ttl, setTtl] = useState('86400')
  const [first] = selected
  const targetText = selected.length === 1 && first ? first.name : `${selected.length} workspaces`
  return (
    <Modal titleId="asked" onClose={onCancel}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          onConfirm(ttl === '' ? null : Number(ttl))
        }}
      >
        <h2 id="asked">
          {action === 'delete' ? 'Delete' : 'Extend'} {targetText}?
        </h2>
        {selected.length > 1 && (
          <p class="soft reason">
            {selected
              .slice(0, maxNames)
              .map(({ name }) => name)
              .join(', ')}
            {selected.length > maxNames && ` and ${selected.length - maxNames} more`}
          </p>
        )}
        {action === 'delete' ? (
          <p>The container and everything in it is destroyed. This cannot be undone.</p>
        ) : (
          <p>
            <label>
              It lives from now on for{' '}
              <select value={ttl} onChange={(event) => setTtl(event.currentTarget.value)}>
                {ttlOptions.map(([name, seconds]) => (
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
          <button type="button" onClick={onCancel} autofocus>
            Keep it as it is
          </button>
          <button type="submit" class={action === 'delete' ? 'danger solid' : 'main'}>
            {action === 'delete' ? 'Delete' : 'Extend'} {targetText}
          </button>
        </div>
      </form>
    </Modal>
  )
}
