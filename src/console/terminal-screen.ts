// A chunk of its own: most of those who look at a workspace open no shell.
import { FitAddon } from '@xterm/addon-fit'
import type { ITheme } from '@xterm/xterm'
import { Terminal } from '@xterm/xterm'
import type { ShellSize } from '../client/shell.ts'

export type TerminalScreen = ReturnType<typeof terminalScreen>

interface Heard {
  readonly typed: (input: string | Uint8Array) => void
  readonly resized: (size: ShellSize) => void
  /** The keys that lead out of it were pressed. */
  readonly left: () => void
}

/** Fills an element with a terminal, in the colours of the page, until `close()`. */
export function terminalScreen(place: HTMLElement, { typed, resized, left }: Heard) {
  const terminal = new Terminal({
    fontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace',
    fontSize: 13,
    scrollback: 5000,
    minimumContrastRatio: 4.5,
    screenReaderMode: true,
    theme: theme(),
  })
  const fit = new FitAddon()
  terminal.loadAddon(fit)
  terminal.open(place)
  fit.fit()
  terminal.attachCustomKeyEventHandler(({ type, key, ctrlKey, shiftKey }) => {
    const isWayOut = key === 'F6' && ctrlKey && shiftKey
    if (isWayOut && type === 'keydown') left()
    return !isWayOut
  })
  terminal.onData(typed)
  terminal.onBinary((input) => typed(Uint8Array.from(input, (letter) => letter.charCodeAt(0))))
  terminal.onResize(({ cols, rows }) => resized({ columns: cols, rows }))
  const observer = new ResizeObserver(() => fit.fit())
  observer.observe(place)
  const scheme = matchMedia('(prefers-color-scheme: dark)')
  const recolour = () => (terminal.options.theme = theme())
  scheme.addEventListener('change', recolour)

  return {
    size: (): ShellSize => ({ columns: Math.min(terminal.cols, 1000), rows: Math.min(terminal.rows, 1000) }),
    /** Settles once it is drawn: whoever waits for it is never far ahead of the eye. */
    write: (bytes: Uint8Array) => new Promise<void>((resolve) => terminal.write(bytes, resolve)),
    reset: () => terminal.reset(),
    focus: () => terminal.focus(),
    close() {
      scheme.removeEventListener('change', recolour)
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
