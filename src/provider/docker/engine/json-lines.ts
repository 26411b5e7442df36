/**
 * Parses a stream of newline-delimited JSON. Pass each chunk to the returned function; `onValue` receives each parsed
 * value. A line that is not valid JSON is skipped, so that later lines are still read.
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
