import type { Paint, Style } from './output.ts'

const styles: Readonly<Record<string, Style>> = { warn: 'yellow', error: 'red', fatal: 'red' }

/** A line of the service's log as people read it: `12:03:04 vm-api listens  url=…`. What is no such line stays as it is. */
export function readableLog(line: string, paint: Paint): string {
  const entry = parsed(line)
  if (typeof entry?.['msg'] !== 'string' || typeof entry['time'] !== 'string') return line
  const { time, level, msg, err, ...rest } = entry
  const style = styles[String(level)]
  const at = new Date(String(time)).toTimeString().slice(0, 8)
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${shown(value)}`)
  const { message, stack }: { message?: unknown; stack?: unknown } = Object(err)
  const why = typeof message === 'string' ? [`: ${message}`] : []
  const trace = typeof stack === 'string' ? stack.split('\n').slice(1) : []
  return [
    [paint('dim', at), style ? paint(style, `${String(level)}: ${String(msg)}`) : String(msg)].join(' ') + why.join(''),
    ...(fields.length === 0 ? [] : [paint('dim', `         ${fields.join('  ')}`)]),
    ...trace.map((step) => paint('dim', `         ${step.trim()}`)),
  ].join('\n')
}

function shown(value: unknown): string {
  return typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined // not of the log, a warning of Node's say
  }
}
