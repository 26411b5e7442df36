import type { Paint, Style } from './output.ts'

const styles: Readonly<Record<string, Style>> = { warn: 'yellow', error: 'red', fatal: 'red' }

/** A line of the service's log as people read it: `12:03:04 vm-api listens  url=…`. What is no such line stays as it is. */
export function readableLog(line: string, paint: Paint): string {
  const { time, level, msg, err, ...rest } = parsed(line)
  if (typeof msg !== 'string' || typeof time !== 'string') return line
  const style = styles[String(level)]
  const said = style ? paint(style, `${String(level)}: ${msg}`) : msg
  const { message, stack }: { message?: unknown; stack?: unknown } = Object(err)
  const why = typeof message === 'string' ? `: ${message}` : ''
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${shown(value)}`)
  const trace = typeof stack === 'string' ? stack.split('\n').slice(1) : []
  const below = [...(fields.length === 0 ? [] : [fields.join('  ')]), ...trace.map((step) => step.trim())]
  const at = new Date(time).toTimeString().slice(0, 8)
  return [`${paint('dim', at)} ${said}${why}`, ...below.map((text) => paint('dim', `         ${text}`))].join('\n')
}

function shown(value: unknown): string {
  return typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(line))
  } catch {
    return {} // not of the log, a warning of Node's say
  }
}
