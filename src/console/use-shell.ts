import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Client } from '../client/client.ts'
import type { Shell, ShellEvent } from '../client/shell.ts'
import { said } from './fleet.ts'

/** Where a shell is; `over` says how it ended, or why there is none. */
export type ShellState =
  | { readonly kind: 'none' }
  | { readonly kind: 'opening' }
  | { readonly kind: 'open' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'taken-over' }
  | { readonly kind: 'over'; readonly why: string }

interface Uses {
  readonly id: string
  readonly client: Client
  /** Where the terminal is drawn; it is there while a shell is. */
  readonly place: RefObject<HTMLElement | null>
  /** Where the keyboard goes when it leaves the terminal. */
  readonly left: () => void
}

/** A workspace's shell in this tab: a reload comes back to it, and so does whoever was elsewhere meanwhile. */
export function useShell({ id, client, place, left }: Uses) {
  const [state, setState] = useState<ShellState>({ kind: 'none' })
  const [round, setRound] = useState(0)
  const shell = useRef<Shell | null>(null)
  const byHand = useRef(false)
  const kept = `vm-api-shell-${id}`

  useEffect(() => {
    if (sessionStorage.getItem(kept) !== null) begin()
  }, [kept])

  useEffect(() => {
    if (round === 0 || !place.current) return undefined
    const until = new AbortController()
    void follow(place.current, until.signal).catch((error: unknown) => {
      sessionStorage.removeItem(kept)
      if (!until.signal.aborted) setState({ kind: 'over', why: said(error) })
    })
    return () => until.abort()
  }, [round, id, client])

  /** The element is shown first: a terminal takes its size from it. */
  function begin() {
    setState({ kind: 'opening' })
    setRound((before) => before + 1)
  }

  async function follow(element: HTMLElement, signal: AbortSignal) {
    const [{ terminalScreen }] = await Promise.all([
      import('./terminal-screen.ts'),
      import('@xterm/xterm/css/xterm.css'),
    ])
    if (signal.aborted) return
    const screen = terminalScreen(element, {
      typed: (input) => shell.current?.type(input),
      resized: (size) => shell.current?.resize(size),
      left,
    })
    const session = sessionStorage.getItem(kept)
    const mine = client.shell(id, {
      ...screen.size(),
      connect: (url) => new WebSocket(url),
      ...(session !== null && { session }),
      signal,
    })
    shell.current = mine
    try {
      if (byHand.current) screen.focus() // a page that is loaded takes nobody's keyboard
      for await (const event of mine.events) {
        if (event.kind === 'output') await screen.write(event.bytes)
        if (event.kind === 'connected') sessionStorage.setItem(kept, event.session)
        if (event.kind === 'connected' && event.resumed) screen.reset()
        if (event.kind === 'ended') sessionStorage.removeItem(kept)
        const next = stateAfter(event)
        if (next && !signal.aborted) setState(next)
      }
    } finally {
      if (shell.current === mine) shell.current = null
      screen.close()
    }
  }

  return {
    state,
    open() {
      byHand.current = true
      begin()
    },
    /** Ends the shell; what runs in it is hung up. */
    close() {
      shell.current?.hangUp()
      sessionStorage.removeItem(kept)
      setState({ kind: 'over', why: 'Closed.' })
    },
  }
}

function stateAfter(event: ShellEvent): ShellState | undefined {
  switch (event.kind) {
    case 'output':
      return undefined
    case 'connected':
      return { kind: 'open' }
    case 'lost':
      return { kind: 'lost' }
    case 'taken-over':
      return { kind: 'taken-over' }
    case 'ended':
      return { kind: 'over', why: howItEnded(event) }
    default:
      return event satisfies never
  }
}

function howItEnded({ exit_code, signal, error }: Extract<ShellEvent, { kind: 'ended' }>): string {
  if (exit_code !== undefined) return `The shell has ended with exit code ${exit_code}.`
  return signal === undefined
    ? `The shell has ended: ${error ?? 'nobody knows how.'}`
    : `The shell was ended by ${signal}.`
}
