import type { TerminalSize } from '../../workspace/guest-process.ts'

/** A headless terminal that knows what is on the screen of a shell. */
export interface ShellScreen {
  /** Draws output soon. Settles when it is drawn; a caller that writes much has to wait for that now and then. */
  write(bytes: Uint8Array): Promise<void>
  /** How many bytes were written and are not drawn yet. */
  pendingBytes(): number
  resize(size: TerminalSize): void
  /**
   * The bytes that draw this screen in another terminal, whatever that one shows: with everything that was written before the call, and
   * nothing that is written after it.
   */
  snapshot(): Promise<Uint8Array>
  close(): void
}

/** Leaves the alternate screen, and switches off every mode that a program may have switched on in the terminal. */
const resetSequence =
  '\u001b[?1049l\u001b[!p\u001b[?9l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1004l\u001b[?1006l\u001b[?2004l\u001b[?25h\u001b[m\u001b[H\u001b[2J'

/** Modes that the serializer leaves out, and whether they are on by default: a visible cursor; mouse reports in SGR format. */
const unserializedModes: readonly (readonly [mode: number, on: boolean])[] = [
  [25, true],
  [1006, false],
]

/** Opens a screen. The terminal is loaded with the first one. */
export async function openShellScreen(size: TerminalSize): Promise<ShellScreen> {
  const { headlessTerminal } = await import('./headless-terminal.ts')
  const { terminal, serialize } = headlessTerminal(size)
  const modes = new Map(unserializedModes)
  for (const [final, enabled] of [
    ['h', true],
    ['l', false],
  ] as const)
    terminal.parser.registerCsiHandler({ prefix: '?', final }, (params) => {
      for (const mode of params) if (typeof mode === 'number' && modes.has(mode)) modes.set(mode, enabled)
      return false // the terminal handles the sequence too
    })
  terminal.parser.registerEscHandler({ final: 'c' }, () => {
    for (const [mode, enabled] of unserializedModes) modes.set(mode, enabled)
    return false
  })
  let pendingBytes = 0
  let closed = false

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
          if (closed) return resolve(new Uint8Array())
          const modeSequences = [...modes].flatMap(([mode, enabled]) =>
            enabled === new Map(unserializedModes).get(mode) ? [] : [`\u001b[?${mode}${enabled ? 'h' : 'l'}`],
          )
          resolve(Buffer.from(resetSequence + serialize.serialize() + modeSequences.join('')))
        })
      }),
    close() {
      closed = true
      terminal.dispose()
    },
  }
}
