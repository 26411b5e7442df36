import { spawn } from 'node-pty'
import { vmProgram } from './vm.ts'

/** Somebody at a terminal, who runs `vm`. */
export interface Typist {
  /** All that was on the terminal so far, as it came. */
  seen(): string
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits until this is seen, after what was waited for before. */
  until(text: string | RegExp): Promise<string>
  /** Of `vm`. */
  readonly pid: number
  /** Closes the terminal. */
  close(): void
  /** Waits for the end. */
  readonly ended: Promise<{ readonly code: number; readonly signal: number }>
}

export function typist(args: readonly string[], env: Readonly<Record<string, string>>, columns = 100): Typist {
  const child = spawn(process.execPath, [vmProgram, ...args], {
    cols: columns,
    rows: 30,
    env: { ...env, TERM: 'xterm-256color' },
  })
  let all = ''
  let read = 0
  let wake = () => {}
  let over = false
  child.onData((data) => {
    all += data
    wake()
  })
  const ended = new Promise<{ code: number; signal: number }>((resolve) =>
    child.onExit(({ exitCode, signal = 0 }) => {
      over = true
      wake()
      resolve({ code: exitCode, signal })
    }),
  )
  return {
    pid: child.pid,
    close: () => Object(child).destroy(), // its declared type does not have it
    seen: () => all,
    type: (text) => child.write(text),
    resize: (width, rows) => child.resize(width, rows),
    async until(text) {
      for (;;) {
        const rest = all.slice(read)
        const found = typeof text === 'string' ? rest.indexOf(text) : rest.search(text)
        if (found >= 0) {
          read += found + (typeof text === 'string' ? text.length : (text.exec(rest)?.[0].length ?? 0))
          return all
        }
        if (over) throw new Error(`It ended without ${String(text)}: ${JSON.stringify(all)}`)
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    ended,
  }
}
