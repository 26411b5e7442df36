/** The object that `text` is the JSON of; `null` if it is none, as in a file that a power cut tore. */
export function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' && found !== null ? { ...found } : null
  } catch {
    return null
  }
}
