import type { StdioOptions } from 'node:child_process'
import { openSync } from 'node:fs'

// node-pty's descriptors pass on to every child of ours. A shell that holds the other end of a terminal, its own above all, is never hung
// up when the service dies. They belong to the process as a whole, and so does this set of them.
const open = new Set<number>()
let nowhere: number | undefined

export function holdTerminal(descriptor: number): void {
  open.add(descriptor)
}

export function dropTerminal(descriptor: number): void {
  open.delete(descriptor)
}

/** The `stdio` of a child that gets nothing in place of our ends of open terminals. */
export function withoutTerminals(stdio: readonly ('ignore' | 'pipe' | number)[]): StdioOptions {
  if (open.size === 0) return [...stdio]
  nowhere ??= openSync('/dev/null', 'r+')
  const covered: ('ignore' | 'pipe' | number)[] = [...stdio]
  for (let at = stdio.length; at <= Math.max(...open); at += 1) covered.push(open.has(at) ? nowhere : 'ignore')
  return covered
}
