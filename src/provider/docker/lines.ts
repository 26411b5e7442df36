/**
 * Splits a stream of JSON objects, one a line. Give it each chunk as it comes; `each` is told every whole object. A
 * line that is no JSON is passed over: what follows it is still readable.
 */
export function jsonLines(each: (value: unknown) => void): (chunk: Buffer | string) => void {
  const decoder = new TextDecoder()
  let rest = ''
  return (chunk) => {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const value = parsed(line)
      if (value !== undefined) each(value)
    }
  }
}

function parsed(line: string): unknown {
  try {
    return line.trim() === '' ? undefined : JSON.parse(line)
  } catch {
    return undefined
  }
}
