// Loaded as a separate chunk, since most visitors open no shell.
import { FitAddon } from '@xterm/addon-fit'
import type { ITheme } from '@xterm/xterm'
import { Terminal } from '@xterm/xterm'
import type { ShellSize } from '../../client/shell.ts'

interface TerminalScreenCallbacks {
  readonly onInput: (input: string | Uint8Array) => void
  readonly onResize: (size: ShellSize) => void
  /** The user pressed the keys that leave the terminal. */
  readonly onLeave: () => void
}

/** Opens a terminal in `element`, in the colours of the page. `close` removes it. */
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
  const updateTheme = () => (terminal.options.theme = theme())
  colorScheme.addEventListener('change', updateTheme)

  return {
    size: (): ShellSize => ({ columns: Math.min(terminal.cols, 1000), rows: Math.min(terminal.rows, 1000) }),
    /** Resolves once the bytes are rendered, which slows the sender down to the speed of the terminal. */
    write: (bytes: Uint8Array) => new Promise<void>((resolve) => terminal.write(bytes, resolve)),
    reset: () => terminal.reset(),
    focus: () => terminal.focus(),
    close() {
      colorScheme.removeEventListener('change', updateTheme)
      observer.disconnect()
      terminal.dispose()
    },
  }
}

function theme(): ITheme {
  const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
  return {
    background: colour('surface'),
    foreground: colour('text'),
    cursor: colour('accent'),
    cursorAccent: colour('surface'),
    selectionBackground: colour('progress-background'),
    scrollbarSliderBackground: colour('border'),
    scrollbarSliderHoverBackground: colour('border-strong'),
    scrollbarSliderActiveBackground: colour('border-strong'),
  }
}
