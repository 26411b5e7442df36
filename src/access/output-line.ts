import { isUtf8 } from 'node:buffer'
import type { RunEnding } from '../persistence/exec-log.ts'
import type { RunOutput } from '../workspace/run.ts'

// The lines of a run as they are sent. Their form is in src/wire/exec.ts; here they are put together by hand, since it is what all output passes.

/** A piece of output. Text is sent as text; bytes that are none, or would be much longer so, as base64. */
export function outputLine(seq: number, stream: RunOutput['stream'], bytes: Buffer): Buffer {
  const head = `{"seq":${seq},"stream":"${stream}","data":`
  if (!bytes.includes(0) && isUtf8(bytes)) {
    const data = JSON.stringify(bytes.toString('utf8'))
    if (data.length <= 1.5 * bytes.length + 64) return Buffer.from(`${head}${data}}\n`)
  }
  return Buffer.from(`${head}"${bytes.toString('base64')}","encoding":"base64"}\n`, 'latin1')
}

/** So many bytes are missing here. */
export function droppedLine(seq: number, bytes: number): Buffer {
  return Buffer.from(`{"seq":${seq},"dropped_bytes":${bytes}}\n`)
}

/** The last line. */
export function endLine(seq: number, startedAt: number, { endedAt, exitCode, signal, error }: RunEnding): Buffer {
  const how = {
    seq,
    ...(exitCode !== null && { exit_code: exitCode }),
    ...(signal !== null && { signal }),
    ...(error !== null && { error }),
    duration_ms: Math.max(0, endedAt - startedAt),
  }
  return Buffer.from(`${JSON.stringify(how)}\n`)
}
