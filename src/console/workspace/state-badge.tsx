import { Fragment } from 'preact'
import type { Workspace } from '../../client/client.ts'

/** The state in the colour of its status. A long state wraps after a dot. */
export function StateBadge({ workspace: { state, status } }: { readonly workspace: Workspace }) {
  return (
    <span class={`state ${status}`}>
      {state.split('.').map((part, index) => (
        <Fragment key={part}>
          {index > 0 && '.'}
          {index > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </span>
  )
}
