import { isUtf8 } from 'node:buffer'
import type { ExecEnding } from '../../persistence/exec-log.ts'
import type { OutputChunk } from '../../workspace/guest-process.ts'

// The lines of a run as they are sent. Their form is in src/wire/runtime/exec.ts; here they are put together by hand, since it is what all output passes.
// Each character of them is a byte, to be sent as Latin-1: buffers of this size would have the garbage collector work longer than all the rest.

/** A piece of output. Text is sent as text; bytes that are none, or would be much longer so, as base64. */
export function formatOutputLine(seq: number, stream: OutputChunk['stream'], bytes: Buffer): string {
  const head = `{"seq":${seq},"stream":"${stream}","data":`
  if (!bytes.includes(0) && isUtf8(bytes)) {
    // JSON escapes ASCII alone. Taken for Latin-1, byte for character, UTF-8 goes through as it is, and at three times the speed.
    const data = JSON.stringify(bytes.toString('latin1'))
    if (data.length <= 1.5 * bytes.length + 64) return `${head}${data}}\n`
  }
  return `${head}"${bytes.toString('base64')}","encoding":"base64"}\n`
}

/** So many bytes are missing here. */
export function formatDroppedLine(seq: number, bytes: number): string {
  return `{"seq":${seq},"dropped_bytes":${bytes}}\n`
}

/** The last line. */
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
