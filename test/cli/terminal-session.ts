import { spawn } from 'node-pty'
import { vmProgram } from './vm-fixture.ts'

/** Somebody at a terminal, who runs `vm`. */
export interface TerminalSession {
  /** All that was on the terminal so far, as it came. */
  output(): string
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits until this is seen, after what was waited for before. */
  waitFor(text: string | RegExp): Promise<string>
  /** Of `vm`. */
  readonly pid: number
  /** Closes the terminal. */
  close(): void
  /** Waits for the end. */
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
    close: () => Object(child).destroy(), // its declared type does not have it
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
        if (hasExited) throw new Error(`It ended without ${String(text)}: ${JSON.stringify(received)}`)
        await new Promise<void>((resolve) => (notify = resolve))
      }
    },
    exited,
  }
}
