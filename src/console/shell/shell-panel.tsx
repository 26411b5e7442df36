import { useRef } from 'preact/hooks'
import type { Client, Workspace } from '../../client/client.ts'
import type { ShellState } from './use-shell.ts'
import { useShell } from './use-shell.ts'

interface Props {
  readonly workspace: Workspace
  readonly client: Client
}

/** A shell in the workspace, opened on demand. */
export function ShellPanel({ workspace, client }: Props) {
  const screenRef = useRef<HTMLDivElement>(null)
  const buttonRef = useRef<HTMLButtonElement>(null)
  const { state, open, close } = useShell({
    id: workspace.id,
    client,
    container: screenRef,
    onLeave: () => buttonRef.current?.focus(),
  })
  const { ready } = workspace
  const isOpen = state.kind === 'opening' || state.kind === 'open' || state.kind === 'lost'
  return (
    <section class="panel shell-panel" aria-labelledby="shell-title">
      <div class="row">
        <h2 id="shell-title">Shell</h2>
        {isOpen ? (
          <button key="close" type="button" ref={buttonRef} onClick={close}>
            Close shell
          </button>
        ) : (
          <button
            key="open"
            type="button"
            ref={buttonRef}
            aria-disabled={!ready}
            aria-describedby={ready ? undefined : 'shell-status'}
            onClick={() => ready && open()}
          >
            {state.kind === 'taken-over' ? 'Take over' : 'Open shell'}
          </button>
        )}
        <p id="shell-status" role="status" class={state.kind === 'lost' ? 'notice error' : 'muted'}>
          {isOpen || ready ? statusText(state) : `${statusText(state)} A shell requires a running workspace.`}
        </p>
      </div>
      {isOpen && (
        <p id="shell-leave-hint" class="muted">
          The shell receives every key. Press <kbd>Ctrl</kbd>+<kbd>Shift</kbd>+<kbd>F6</kbd> to leave it.
        </p>
      )}
      <div ref={screenRef} class="shell-screen" hidden={!isOpen} role="group" aria-label="Terminal" />
    </section>
  )
}

function statusText(state: ShellState): string {
  switch (state.kind) {
    case 'closed':
      return ''
    case 'opening':
      return 'Opening…'
    case 'open':
      return 'Connected.'
    case 'lost':
      return 'Connection lost. Reconnecting… Input is not sent until then.'
    case 'taken-over':
      return 'Another window has taken over this shell.'
    case 'ended':
      return state.reason
    default:
      return state satisfies never
  }
}
