import type { TerminalSize } from '../../workspace/guest-process.ts'

/** A terminal that nobody sees: it knows what is on the screen of a shell. */
export interface ShellScreen {
  /** Draws, soon. Settles when it is drawn; whoever writes much has to wait now and then. */
  write(bytes: Uint8Array): Promise<void>
  /** How much of what was written is not drawn yet. */
  pendingBytes(): number
  resize(size: TerminalSize): void
  /**
   * What draws this screen in another terminal, whatever was in that one: everything that was written before, and nothing of what is written
   * after the call.
   */
  snapshot(): Promise<Uint8Array>
  close(): void
}

/** Leaves the other screen, and switches off what a program may have switched on in the terminal that was there before. */
const resetSequence =
  '\u001b[?1049l\u001b[!p\u001b[?9l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1004l\u001b[?1006l\u001b[?2004l\u001b[?25h\u001b[m\u001b[H\u001b[2J'

/** Modes that the picture of the library leaves out, and whether they are on from the start: the cursor is seen; the mouse is told of in SGR. */
const unserializedModes: readonly (readonly [mode: number, on: boolean])[] = [
  [25, true],
  [1006, false],
]

/** Opens a screen. */
export async function openShellScreen(size: TerminalSize): Promise<ShellScreen> {
  const { headlessTerminal: shellTerminal } = await import('./headless-terminal.ts')
  const { terminal, serialize } = shellTerminal(size)
  const modes = new Map(unserializedModes)
  for (const [final, enabled] of [
    ['h', true],
    ['l', false],
  ] as const)
    terminal.parser.registerCsiHandler({ prefix: '?', final }, (params) => {
      for (const mode of params) if (typeof mode === 'number' && modes.has(mode)) modes.set(mode, enabled)
      return false // and the terminal does what it does
    })
  terminal.parser.registerEscHandler({ final: 'c' }, () => {
    for (const [mode, enabled] of unserializedModes) modes.set(mode, enabled)
    return false
  })
  let pendingBytes = 0

  return {
    write(bytes) {
      pendingBytes += bytes.length
      return new Promise((resolve) => {
        terminal.write(bytes, () => {
          pendingBytes -= bytes.length
          resolve()
        })
      })
    },
    pendingBytes: () => pendingBytes,
    resize: ({ columns, rows }) => terminal.resize(columns, rows),
    snapshot: () =>
      new Promise((resolve) => {
        terminal.write('', () => {
          const modeSequences = [...modes].flatMap(([mode, enabled]) =>
            enabled === new Map(unserializedModes).get(mode) ? [] : [`\u001b[?${mode}${enabled ? 'h' : 'l'}`],
          )
          resolve(Buffer.from(resetSequence + serialize.serialize() + modeSequences.join('')))
        })
      }),
    close: () => terminal.dispose(),
  }
}
