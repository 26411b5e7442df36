import { useRef } from 'preact/hooks'
import type { Client, Workspace } from '../../client/client.ts'
import type { ShellState } from './use-shell.ts'
import { useShell } from './use-shell.ts'

interface Props {
  readonly workspace: Workspace
  readonly client: Client
}

/** A shell in the workspace, once somebody asks for one. */
export function ShellPanel({ workspace, client }: Props) {
  const screenRef = useRef<HTMLDivElement>(null)
  const buttonRef = useRef<HTMLButtonElement>(null)
  const { state, open, close } = useShell({
    id: workspace.id,
    client,
    container: screenRef,
    onLeave: () => buttonRef.current?.focus(),
  })
  const isRunning = workspace.state === 'running.up'
  const isOpen = state.kind === 'opening' || state.kind === 'open' || state.kind === 'lost'
  return (
    <section class="panel shell" aria-labelledby="shell-title">
      <div class="row">
        <h2 id="shell-title">Shell</h2>
        {isOpen ? (
          <button key="close" type="button" ref={buttonRef} onClick={close}>
            Close the shell
          </button>
        ) : (
          <button
            key="open"
            type="button"
            ref={buttonRef}
            aria-disabled={!isRunning}
            aria-describedby={isRunning ? undefined : 'shell-words'}
            onClick={() => isRunning && open()}
          >
            {state.kind === 'taken-over' ? 'Take it back' : 'Open a shell'}
          </button>
        )}
        <p id="shell-words" role="status" class={state.kind === 'lost' ? 'notice trouble' : 'soft'}>
          {isOpen || isRunning ? statusText(state) : `${statusText(state)} A shell needs a workspace that runs.`}
        </p>
      </div>
      {isOpen && (
        <p id="shell-way-out" class="soft">
          All keys go to the shell. <kbd>Ctrl</kbd>+<kbd>Shift</kbd>+<kbd>F6</kbd> leads out of it.
        </p>
      )}
      <div ref={screenRef} class="shell-screen" hidden={!isOpen} role="group" aria-label="Terminal" />
    </section>
  )
}

function statusText(state: ShellState): string {
  switch (state.kind) {
    case 'none':
      return ''
    case 'opening':
      return 'Opening…'
    case 'open':
      return 'Connected.'
    case 'lost':
      return 'Connection lost, trying again. What is typed now is not sent.'
    case 'taken-over':
      return 'Another window has taken it over.'
    case 'over':
      return state.reason
    default:
      return state satisfies never
  }
}
