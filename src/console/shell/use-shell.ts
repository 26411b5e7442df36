import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Client } from '../../client/client.ts'
import type { Shell, ShellEvent } from '../../client/shell.ts'
import { errorText } from '../error-text.ts'

/** The state of the shell; `ended` has the reason why it ended or could not be opened. */
export type ShellState =
  | { readonly kind: 'closed' }
  | { readonly kind: 'opening' }
  | { readonly kind: 'open' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'taken-over' }
  | { readonly kind: 'ended'; readonly reason: string }

interface ShellOptions {
  readonly id: string
  readonly client: Client
  /** The element that contains the terminal. */
  readonly container: RefObject<HTMLElement | null>
  /** Moves the focus out of the terminal. */
  readonly onLeave: () => void
}

/** A workspace's shell in this tab. A reload, or a return to the workspace's page, attaches to the same session. */
export function useShell({ id, client, container, onLeave }: ShellOptions) {
  const [state, setState] = useState<ShellState>({ kind: 'closed' })
  const [openCount, setOpenCount] = useState(0)
  const shellRef = useRef<Shell | null>(null)
  const openedByUser = useRef(false)
  const storageKey = `vm-api-shell-${id}`

  useEffect(() => {
    if (sessionStorage.getItem(storageKey) !== null) startOpening()
  }, [storageKey])

  useEffect(() => {
    if (openCount === 0 || !container.current) return undefined
    const controller = new AbortController()
    void runShell(container.current, controller.signal).catch((error: unknown) => {
      sessionStorage.removeItem(storageKey)
      if (!controller.signal.aborted) setState({ kind: 'ended', reason: errorText(error) })
    })
    return () => controller.abort()
  }, [openCount, id, client])

  /** The element must be visible before the terminal opens, which takes its size from it. */
  function startOpening() {
    setState({ kind: 'opening' })
    setOpenCount((count) => count + 1)
  }

  async function runShell(element: HTMLElement, signal: AbortSignal) {
    const [{ terminalScreen }] = await Promise.all([
      import('./terminal-screen.ts'),
      import('@xterm/xterm/css/xterm.css'),
    ])
    if (signal.aborted) return
    const screen = terminalScreen(element, {
      onInput: (input) => shellRef.current?.write(input),
      onResize: (size) => shellRef.current?.resize(size),
      onLeave,
    })
    const session = sessionStorage.getItem(storageKey)
    const shell = client.shell(id, {
      ...screen.size(),
      connect: (url) => new WebSocket(url),
      ...(session !== null && { session }),
      signal,
    })
    shellRef.current = shell
    try {
      if (openedByUser.current) screen.focus() // a page load must not steal the focus
      for await (const event of shell.events) {
        if (event.kind === 'output') await screen.write(event.bytes)
        if (event.kind === 'connected') sessionStorage.setItem(storageKey, event.session)
        if (event.kind === 'connected' && event.resumed) screen.reset()
        if (event.kind === 'ended') sessionStorage.removeItem(storageKey)
        const nextState = nextShellState(event)
        if (nextState && !signal.aborted) setState(nextState)
      }
    } finally {
      if (shellRef.current === shell) shellRef.current = null
      screen.close()
    }
  }

  return {
    state,
    open() {
      openedByUser.current = true
      startOpening()
    },
    /** Ends the shell. Its processes receive SIGHUP. */
    close() {
      shellRef.current?.hangUp()
      sessionStorage.removeItem(storageKey)
      setState({ kind: 'ended', reason: 'Closed.' })
    },
  }
}

function nextShellState(event: ShellEvent): ShellState | undefined {
  switch (event.kind) {
    case 'output':
      return undefined
    case 'connected':
      return { kind: 'open' }
    case 'disconnected':
      return { kind: 'lost' }
    case 'taken-over':
      return { kind: 'taken-over' }
    case 'ended':
      return { kind: 'ended', reason: endReason(event) }
    default:
      return event satisfies never
  }
}

function endReason({ exit_code, signal, error }: Extract<ShellEvent, { kind: 'ended' }>): string {
  if (exit_code !== undefined) return `The shell exited with code ${exit_code}.`
  return signal === undefined
    ? `The shell ended: ${error ?? 'the cause is unknown.'}`
    : `The shell was terminated by ${signal}.`
}
