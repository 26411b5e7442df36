import { isUtf8 } from 'node:buffer'
import type { ExecEnding } from '../../persistence/exec-log.ts'
import type { OutputChunk } from '../../workspace/guest-process.ts'

// The lines of a command's output as they are sent. src/wire/runtime/exec.ts has their schema; all output passes here, so they are formatted by
// hand. Each character is a byte, to be sent as Latin-1: buffers of this size would cost more in garbage collection than all the rest.

/** Formats a chunk of output: as text, or as base64 if it is not UTF-8 or would be much longer as text. */
export function formatOutputLine(seq: number, stream: OutputChunk['stream'], bytes: Buffer): string {
  const head = `{"seq":${seq},"stream":"${stream}","data":`
  if (!bytes.includes(0) && isUtf8(bytes)) {
    // JSON escapes only ASCII, so UTF-8 that is read as Latin-1 passes unchanged, at three times the speed.
    const data = JSON.stringify(bytes.toString('latin1'))
    if (data.length <= 1.5 * bytes.length + 64) return `${head}${data}}\n`
  }
  return `${head}"${bytes.toString('base64')}","encoding":"base64"}\n`
}

/** Formats the line that stands for output that was dropped. */
export function formatDroppedLine(seq: number, bytes: number): string {
  return `{"seq":${seq},"dropped_bytes":${bytes}}\n`
}

/** Formats the last line, which says how the command ended. */
export function formatEndLine(
  seq: number,
  startedAt: number,
  { endedAt, exitCode, signal, error }: ExecEnding,
): string {
  const fields = {
    seq,
    ...(exitCode !== null && { exit_code: exitCode }),
    ...(signal !== null && { signal }),
    ...(error !== null && { error }),
    duration_ms: Math.max(0, endedAt - startedAt),
  }
  return `${JSON.stringify(fields)}\n`
}
