import type { TerminalSize } from '../workspace/run.ts'

/** A terminal that nobody sees: it knows what is on the screen of a shell. */
export interface ShellScreen {
  /** Draws, soon. Settles when it is drawn; whoever writes much has to wait now and then. */
  write(bytes: Uint8Array): Promise<void>
  /** How much of what was written is not drawn yet. */
  behindBytes(): number
  resize(size: TerminalSize): void
  /**
   * What draws this screen in another terminal, whatever was in that one: everything that was written before, and nothing of what is written
   * after the call.
   */
  picture(): Promise<Uint8Array>
  close(): void
}

/** Leaves the other screen, and switches off what a program may have switched on in the terminal that was there before. */
const clean =
  '\u001b[?1049l\u001b[!p\u001b[?9l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1004l\u001b[?1006l\u001b[?2004l\u001b[?25h\u001b[m\u001b[H\u001b[2J'

/** Modes that the picture of the library leaves out, and whether they are on from the start: the cursor is seen; the mouse is told of in SGR. */
const leftOut: readonly (readonly [mode: number, on: boolean])[] = [
  [25, true],
  [1006, false],
]

/** Opens a screen. */
export async function openScreen(size: TerminalSize): Promise<ShellScreen> {
  const { shellTerminal } = await import('./shell-terminal.ts')
  const { terminal, serialize } = shellTerminal(size)
  const modes = new Map(leftOut)
  for (const [final, on] of [
    ['h', true],
    ['l', false],
  ] as const)
    terminal.parser.registerCsiHandler({ prefix: '?', final }, (set) => {
      for (const mode of set) if (typeof mode === 'number' && modes.has(mode)) modes.set(mode, on)
      return false // and the terminal does what it does
    })
  terminal.parser.registerEscHandler({ final: 'c' }, () => {
    for (const [mode, on] of leftOut) modes.set(mode, on)
    return false
  })
  let behind = 0

  return {
    write(bytes) {
      behind += bytes.length
      return new Promise((resolve) => {
        terminal.write(bytes, () => {
          behind -= bytes.length
          resolve()
        })
      })
    },
    behindBytes: () => behind,
    resize: ({ columns, rows }) => terminal.resize(columns, rows),
    picture: () =>
      new Promise((resolve) => {
        terminal.write('', () => {
          const set = [...modes].flatMap(([mode, on]) =>
            on === new Map(leftOut).get(mode) ? [] : [`\u001b[?${mode}${on ? 'h' : 'l'}`],
          )
          resolve(Buffer.from(clean + serialize.serialize() + set.join('')))
        })
      }),
    close: () => terminal.dispose(),
  }
}
