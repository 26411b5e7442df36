import { spawn } from 'node-pty'
import { vmProgram } from './vm-fixture.ts'

/** `vm` in a pseudo-terminal. */
export interface TerminalSession {
  /** All output so far, with its control sequences. */
  output(): string
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits until this appears, after the previous match. Returns all output so far. */
  waitFor(text: string | RegExp): Promise<string>
  /** The process ID of `vm`. */
  readonly pid: number
  /** Closes the terminal. */
  close(): void
  readonly exited: Promise<{ readonly code: number; readonly signal: number }>
}

export function openTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  columns = 100,
): TerminalSession {
  const child = spawn(process.execPath, [vmProgram, ...args], {
    cols: columns,
    rows: 30,
    env: { ...env, TERM: 'xterm-256color' },
  })
  let received = ''
  let position = 0
  let notify = () => {}
  let hasExited = false
  child.onData((data) => {
    received += data
    notify()
  })
  const exited = new Promise<{ code: number; signal: number }>((resolve) =>
    child.onExit(({ exitCode, signal = 0 }) => {
      hasExited = true
      notify()
      resolve({ code: exitCode, signal })
    }),
  )
  return {
    pid: child.pid,
    close: () => Object(child).destroy(), // missing in its type declarations
    output: () => received,
    type: (text) => child.write(text),
    resize: (width, rows) => child.resize(width, rows),
    async waitFor(text) {
      for (;;) {
        const unread = received.slice(position)
        const index = typeof text === 'string' ? unread.indexOf(text) : unread.search(text)
        if (index >= 0) {
          position += index + (typeof text === 'string' ? text.length : (text.exec(unread)?.[0].length ?? 0))
          return received
        }
        if (hasExited) throw new Error(`vm exited before ${String(text)}: ${JSON.stringify(received)}`)
        await new Promise<void>((resolve) => (notify = resolve))
      }
    },
    exited,
  }
}
