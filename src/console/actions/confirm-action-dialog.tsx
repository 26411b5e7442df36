import { useState } from 'preact/hooks'
import type { Workspace } from '../../client/client.ts'
import { Modal } from '../modal.tsx'

interface Props {
  readonly action: 'update' | 'delete'
  readonly selected: readonly Workspace[]
  readonly onConfirm: (ttlSeconds: number | null) => void
  readonly onCancel: () => void
}

const maxListedNames = 10

const ttlOptions = [
  ['in 1 hour', 3600],
  ['in 1 day', 86_400],
  ['in 7 days', 604_800],
  ['in 30 days', 2_592_000],
] as const

/** Asks for confirmation before a delete, and for the new TTL before an update. Escape cancels. */
export function ConfirmActionDialog({ action, selected, onConfirm, onCancel }: Props) {
  const [ttl, setTtl] = useState('86400')
  const [first] = selected
  const targetText = selected.length === 1 && first ? first.name : `${selected.length} workspaces`
  const label = action === 'delete' ? 'Delete' : 'Extend'
  return (
    <Modal titleId="confirm-title" onClose={onCancel}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          onConfirm(ttl === '' ? null : Number(ttl))
        }}
      >
        <h2 id="confirm-title">
          {label} {targetText}?
        </h2>
        {selected.length > 1 && (
          <p class="muted reason">
            {selected
              .slice(0, maxListedNames)
              .map(({ name }) => name)
              .join(', ')}
            {selected.length > maxListedNames && ` and ${selected.length - maxListedNames} more`}
          </p>
        )}
        {action === 'delete' ? (
          <p>This destroys the container and everything in it, and cannot be undone.</p>
        ) : (
          <p>
            <label>
              Expires{' '}
              <select value={ttl} onChange={(event) => setTtl(event.currentTarget.value)}>
                {ttlOptions.map(([name, seconds]) => (
                  <option key={name} value={seconds}>
                    {name}
                  </option>
                ))}
                <option value="">never</option>
              </select>
            </label>
          </p>
        )}
        <div class="row justify-end">
          <button type="button" onClick={onCancel} autofocus>
            Cancel
          </button>
          <button type="submit" class={action === 'delete' ? 'danger filled' : 'primary'}>
            {label} {targetText}
          </button>
        </div>
      </form>
    </Modal>
  )
}
