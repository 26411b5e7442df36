import { numberField, stringField } from '../engine/json-fields.ts'

/** The progress of a pull. */
export interface PullProgress {
  /** Records an event of the pull's stream. */
  update(event: unknown): void
  /** For instance `pulling node:22: 12 of 48 MB`, `pulling node:22: unpacking`. */
  describe(): string
}

/** Tracks a pull of `image`. The total covers the layers known so far and grows as the engine learns of more. */
export function pullProgress(image: string): PullProgress {
  const layers = new Map<string, { current: number; total: number; unpacking: boolean }>()
  return {
    update(event) {
      const id = stringField(event, 'id')
      const status = stringField(event, 'status')
      if (id === undefined || status === undefined) return
      const layer = layers.get(id)
      if (status === 'Downloading') {
        const total = numberField(event, 'progressDetail', 'total') ?? 0
        const current = numberField(event, 'progressDetail', 'current') ?? 0
        if (total > 0) layers.set(id, { current, total, unpacking: false })
      } else if (layer && /^(Verifying Checksum|Download complete|Extracting|Pull complete)$/.test(status)) {
        layers.set(id, { ...layer, current: layer.total, unpacking: true })
      }
    },
    describe() {
      const allLayers = [...layers.values()]
      if (allLayers.length === 0) return `pulling ${image}`
      if (allLayers.every((layer) => layer.unpacking)) return `pulling ${image}: unpacking`
      const sum = (key: 'current' | 'total'): number => allLayers.reduce((bytes, layer) => bytes + layer[key], 0)
      return `pulling ${image}: ${formatAmounts(sum('current'), sum('total'))}`
    },
  }
}

function formatAmounts(current: number, total: number): string {
  const [unit, bytes] = total >= 1e6 ? (['MB', 1e6] as const) : (['kB', 1e3] as const)
  return `${Math.floor(current / bytes)} of ${Math.ceil(total / bytes)} ${unit}`
}
