/**
 * Splits a stream of JSON objects, one a line. Give it each chunk as it comes; `each` is told every whole object. A
 * line that is no JSON is passed over: what follows it is still readable.
 */
export function parseJsonLines(onValue: (value: unknown) => void): (chunk: Buffer | string) => void {
  const decoder = new TextDecoder()
  let remainder = ''
  return (chunk) => {
    remainder += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const lines = remainder.split('\n')
    remainder = lines.pop() ?? ''
    for (const line of lines) {
      const value = parseLine(line)
      if (value !== undefined) onValue(value)
    }
  }
}

function parseLine(line: string): unknown {
  try {
    return line.trim() === '' ? undefined : JSON.parse(line)
  } catch {
    return undefined
  }
}
