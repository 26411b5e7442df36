import type { StdioOptions } from 'node:child_process'
import { openSync } from 'node:fs'

// node-pty's descriptors pass on to every child of ours. A shell that holds the other end of a terminal, its own above all, is never hung
// up when the service dies. They belong to the process as a whole, and so does this set of them.
const terminalDescriptors = new Set<number>()
let devNullDescriptor: number | undefined

export function registerTerminalDescriptor(descriptor: number): void {
  terminalDescriptors.add(descriptor)
}

export function unregisterTerminalDescriptor(descriptor: number): void {
  terminalDescriptors.delete(descriptor)
}

/** The `stdio` of a child that gets nothing in place of our ends of open terminals. */
export function stdioWithoutTerminals(stdio: readonly ('ignore' | 'pipe' | number)[]): StdioOptions {
  if (terminalDescriptors.size === 0) return [...stdio]
  devNullDescriptor ??= openSync('/dev/null', 'r+')
  const stdioWithGaps: ('ignore' | 'pipe' | number)[] = [...stdio]
  for (let descriptor = stdio.length; descriptor <= Math.max(...terminalDescriptors); descriptor += 1)
    stdioWithGaps.push(terminalDescriptors.has(descriptor) ? devNullDescriptor : 'ignore')
  return stdioWithGaps
}
