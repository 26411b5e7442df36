import { toRecord } from '../to-record.ts'
import type { Paint, Style } from './output.ts'

const styles: Readonly<Record<string, Style>> = { warn: 'yellow', error: 'red', fatal: 'red' }

/** Formats a JSON line of the service's log for people: `12:03:04 vm-api listens`, then its fields. Any other line is returned unchanged. */
export function formatLogLine(line: string, paint: Paint): string {
  const { time, level, msg, err, ...rest } = parseLogLine(line)
  if (typeof msg !== 'string' || typeof time !== 'string') return line
  const style = styles[String(level)]
  const headline = style ? paint(style, `${String(level)}: ${msg}`) : msg
  const { message, stack } = toRecord(err)
  const errorSuffix = typeof message === 'string' ? `: ${message}` : ''
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${formatValue(value)}`)
  const trace = typeof stack === 'string' ? stack.split('\n').slice(1) : []
  const detailLines = [...(fields.length === 0 ? [] : [fields.join('  ')]), ...trace.map((frame) => frame.trim())]
  const clockTime = new Date(time).toTimeString().slice(0, 8)
  return [
    `${paint('dim', clockTime)} ${headline}${errorSuffix}`,
    ...detailLines.map((text) => paint('dim', `         ${text}`)),
  ].join('\n')
}

function formatValue(value: unknown): string {
  return typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)
}

function parseLogLine(line: string): Readonly<Record<string, unknown>> {
  try {
    return toRecord(JSON.parse(line))
  } catch {
    return {} // not JSON: a warning of Node, for instance
  }
}
