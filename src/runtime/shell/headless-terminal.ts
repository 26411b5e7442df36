// Imported when the first shell is opened, since it is large and most services rarely have one.
import { SerializeAddon } from '@xterm/addon-serialize'
import headless from '@xterm/headless'
import type { TerminalSize } from '../../workspace/guest-process.ts'

/** Number of scrollback lines. */
const scrollback = 1000

/** Creates a terminal that draws nothing, and the addon that serializes its screen. */
export function headlessTerminal({ columns, rows }: TerminalSize) {
  const terminal = new headless.Terminal({ cols: columns, rows, scrollback, allowProposedApi: true })
  const serialize = new SerializeAddon()
  terminal.loadAddon(serialize)
  return { terminal, serialize }
}
