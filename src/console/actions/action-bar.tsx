import { useState } from 'preact/hooks'
import type { Client, Workspace } from '../../client/client.ts'
import { errorText } from '../error-text.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'
import { ConfirmActionDialog } from './confirm-action-dialog.tsx'
import type { BulkActionResult, WorkspaceAction } from './workspace-action.ts'
import { acceptsAction, actionLabel, runBulkAction, workspaceActions } from './workspace-action.ts'

interface Props {
  readonly client: Client
  readonly fleet: FleetStore
  readonly selected: readonly Workspace[]
}

/** A button per action for the selected workspaces, and the reason why some are unavailable. */
export function ActionBar({ client, fleet, selected }: Props) {
  const [actionToConfirm, setActionToConfirm] = useState<'update' | 'delete' | null>(null)
  const [runningAction, setRunningAction] = useState<WorkspaceAction | null>(null)
  const [message, setMessage] = useState<{ readonly text: string; readonly isError: boolean } | null>(null)

  async function run(action: WorkspaceAction, ttlSeconds: number | null = null) {
    setActionToConfirm(null)
    setRunningAction(action)
    setMessage(null)
    try {
      setMessage(resultMessage(action, await runBulkAction({ client, fleet }, action, selected, ttlSeconds)))
    } catch (error) {
      setMessage({ text: errorText(error), isError: true })
    } finally {
      setRunningAction(null)
    }
  }

  const unavailable = workspaceActions.filter(
    (action) => !selected.some((workspace) => acceptsAction(workspace, action)),
  )
  return (
    <div class="action-bar">
      <div class="row" role="group" aria-label="Actions">
        {workspaceActions.map((action) => {
          const accepting = selected.filter((workspace) => acceptsAction(workspace, action))
          const isDisabled = accepting.length === 0 || runningAction !== null
          return (
            <button
              key={action}
              type="button"
              class={action === 'delete' ? 'danger' : undefined}
              aria-disabled={isDisabled}
              aria-describedby={accepting.length === 0 ? 'unavailable-reason' : undefined}
              onClick={() => {
                if (isDisabled) return
                if (action === 'update' || action === 'delete') setActionToConfirm(action)
                else void run(action)
              }}
            >
              {actionLabel(action, accepting)}
              {selected.length > 1 && ` ${accepting.length}`}
              {runningAction === action && '…'}
            </button>
          )
        })}
      </div>
      {unavailable.length > 0 && (
        <p id="unavailable-reason" class="muted">
          {unavailableReason(unavailable, selected)}
        </p>
      )}
      <p role="status" class={message?.isError === true ? 'notice error' : 'muted'}>
        {message?.text}
      </p>
      {actionToConfirm !== null && (
        <ConfirmActionDialog
          action={actionToConfirm}
          selected={selected.filter((workspace) => acceptsAction(workspace, actionToConfirm))}
          onCancel={() => setActionToConfirm(null)}
          onConfirm={(ttlSeconds) => void run(actionToConfirm, ttlSeconds)}
        />
      )}
    </div>
  )
}

function unavailableReason(unavailable: readonly WorkspaceAction[], selected: readonly Workspace[]): string {
  const names = unavailable.map((action) => actionLabel(action, []).toLowerCase()).join(', ')
  const states = [...new Set(selected.map(({ state }) => state))]
  if (selected.length === 0) return 'Select workspaces in the table to act on them.'
  return states.length === 1
    ? `Unavailable in state ${states[0]}: ${names}.`
    : `Unavailable for this selection: ${names}.`
}

function resultMessage(
  action: WorkspaceAction,
  { accepted, refusals }: BulkActionResult,
): { text: string; isError: boolean } {
  const label = actionLabel(action, [])
  const acceptedText = accepted === 0 ? '' : `${label}: accepted${accepted > 1 ? ` for ${accepted}` : ''}. `
  const refusedText =
    refusals.length === 0
      ? ''
      : `Refused for ${refusals.slice(0, 3).join('; ')}${refusals.length > 3 ? ` and ${refusals.length - 3} more` : ''}`
  return { text: acceptedText + refusedText, isError: refusals.length > 0 }
}
