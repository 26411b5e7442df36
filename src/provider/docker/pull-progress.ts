import { number, text } from './shape.ts'

/** Follows a pull's lines: `hear` each, `words` say how far it is. */
export interface PullProgress {
  hear(line: unknown): void
  /** `pulling node:22: 12 of 48 MB`, `pulling node:22: unpacking`. */
  words(): string
}

/**
 * The progress of pulling `image`. The total grows while the engine learns of more layers; it is what is known so far.
 */
export function pullProgress(image: string): PullProgress {
  const layers = new Map<string, { current: number; total: number; unpacking: boolean }>()
  return {
    hear(line) {
      const id = text(line, 'id')
      const status = text(line, 'status')
      if (id === undefined || status === undefined) return
      const layer = layers.get(id)
      if (status === 'Downloading') {
        const total = number(line, 'progressDetail', 'total') ?? 0
        if (total > 0)
          layers.set(id, { current: number(line, 'progressDetail', 'current') ?? 0, total, unpacking: false })
      } else if (layer && /^(Verifying Checksum|Download complete|Extracting|Pull complete)$/.test(status)) {
        layers.set(id, { ...layer, current: layer.total, unpacking: true })
      }
    },
    words() {
      const all = [...layers.values()]
      if (all.length === 0) return `pulling ${image}`
      if (all.every((layer) => layer.unpacking)) return `pulling ${image}: unpacking`
      const sum = (of: 'current' | 'total'): number => all.reduce((bytes, layer) => bytes + layer[of], 0)
      return `pulling ${image}: ${amounts(sum('current'), sum('total'))}`
    },
  }
}

function amounts(current: number, total: number): string {
  const [unit, bytes] = total >= 1e6 ? (['MB', 1e6] as const) : (['kB', 1e3] as const)
  return `${Math.floor(current / bytes)} of ${Math.ceil(total / bytes)} ${unit}`
}
