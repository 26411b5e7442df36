import { ok, fault, type Outcome } from '../../../workspace/fault.ts'

/** The native part of node-pty. Its JavaScript part loses a command's last output, and spins while a command does not read. */
export interface Pty {
  /** Opens a terminal. Both descriptors are non-blocking and inherited by children. */
  open(columns: number, rows: number): { readonly master: number; readonly slave: number; readonly path: string }
  resize(master: number, columns: number, rows: number): void
}

interface NativePty {
  open(columns: number, rows: number): { master: number; slave: number; pty: string }
  resize(master: number, columns: number, rows: number): void
}

/** Loads node-pty, an optional dependency. `permanent` if it is not installed or not built. */
export async function loadPty(): Promise<Outcome<Pty>> {
  let reason = 'it is not compatible with version 1.1'
  try {
    const native = nativePtyFrom(await import('node-pty'))
    if (native !== null)
      return ok({
        open: (columns, rows) => {
          const { master, slave, pty } = native.open(columns, rows)
          return { master, slave, path: pty }
        },
        resize: (master, columns, rows) => native.resize(master, columns, rows),
      })
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error)
  }
  return fault(
    'permanent',
    `Terminals need node-pty, which cannot be loaded (${reason}). Install a C++ compiler, make and Python, then run \`npm rebuild node-pty\`.`,
  )
}

function nativePtyFrom(module: object): NativePty | null {
  const exported: unknown = 'default' in module ? module.default : module
  if (typeof exported !== 'object' || exported === null || !('native' in exported)) return null
  return isNativePty(exported.native) ? exported.native : null
}

function isNativePty(value: unknown): value is NativePty {
  if (typeof value !== 'object' || value === null) return false
  return 'open' in value && typeof value.open === 'function' && 'resize' in value && typeof value.resize === 'function'
}
