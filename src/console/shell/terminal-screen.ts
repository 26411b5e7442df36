// A chunk of its own: most of those who look at a workspace open no shell.
import { FitAddon } from '@xterm/addon-fit'
import type { ITheme } from '@xterm/xterm'
import { Terminal } from '@xterm/xterm'
import type { ShellSize } from '../../client/shell.ts'

export type TerminalScreen = ReturnType<typeof terminalScreen>

interface TerminalScreenCallbacks {
  readonly onInput: (input: string | Uint8Array) => void
  readonly onResize: (size: ShellSize) => void
  /** The keys that lead out of it were pressed. */
  readonly onLeave: () => void
}

/** Fills an element with a terminal, in the colours of the page, until `close()`. */
export function terminalScreen(element: HTMLElement, { onInput, onResize, onLeave }: TerminalScreenCallbacks) {
  const terminal = new Terminal({
    fontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace',
    fontSize: 13,
    scrollback: 5000,
    minimumContrastRatio: 4.5,
    screenReaderMode: true,
    theme: theme(),
  })
  const fitAddon = new FitAddon()
  terminal.loadAddon(fitAddon)
  terminal.open(element)
  fitAddon.fit()
  terminal.attachCustomKeyEventHandler(({ type, key, ctrlKey, shiftKey }) => {
    const isLeaveKey = key === 'F6' && ctrlKey && shiftKey
    if (isLeaveKey && type === 'keydown') onLeave()
    return !isLeaveKey
  })
  terminal.onData(onInput)
  terminal.onBinary((input) => onInput(Uint8Array.from(input, (character) => character.charCodeAt(0))))
  terminal.onResize(({ cols, rows }) => onResize({ columns: cols, rows }))
  const observer = new ResizeObserver(() => fitAddon.fit())
  observer.observe(element)
  const colorScheme = matchMedia('(prefers-color-scheme: dark)')
  const recolour = () => (terminal.options.theme = theme())
  colorScheme.addEventListener('change', recolour)

  return {
    size: (): ShellSize => ({ columns: Math.min(terminal.cols, 1000), rows: Math.min(terminal.rows, 1000) }),
    /** Settles once it is drawn: whoever waits for it is never far ahead of the eye. */
    write: (bytes: Uint8Array) => new Promise<void>((resolve) => terminal.write(bytes, resolve)),
    reset: () => terminal.reset(),
    focus: () => terminal.focus(),
    close() {
      colorScheme.removeEventListener('change', recolour)
      observer.disconnect()
      terminal.dispose()
    },
  }
}

function theme(): ITheme {
  const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
  return {
    background: colour('panel'),
    foreground: colour('ink'),
    cursor: colour('accent'),
    cursorAccent: colour('panel'),
    selectionBackground: colour('busy-veil'),
    scrollbarSliderBackground: colour('rim'),
    scrollbarSliderHoverBackground: colour('strong-rim'),
    scrollbarSliderActiveBackground: colour('strong-rim'),
  }
}
