// Loaded when the first shell is opened: most services have none on most days.
import { SerializeAddon } from '@xterm/addon-serialize'
import headless from '@xterm/headless'
import type { TerminalSize } from '../../workspace/guest-process.ts'

/** Lines that have left the screen and can still be seen. */
const scrollback = 1000

/** A terminal that draws nothing, and what writes down its screen. */
export function headlessTerminal({ columns, rows }: TerminalSize) {
  const terminal = new headless.Terminal({ cols: columns, rows, scrollback, allowProposedApi: true })
  const serialize = new SerializeAddon()
  terminal.loadAddon(serialize)
  return { terminal, serialize }
}
