import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { highlightState } from './svg.ts'

/** A machine's chart as `npm run charts` wrote it. */
export interface RenderedChart {
  readonly machine: string
  readonly description: string
  /** The definition as JSON text. */
  readonly definition: string
  readonly mermaid: string
  /** As SVG, with the state at `path` lit if one is given. */
  svg(path?: string): string
}

/**
 * Every chart in `folder`, by machine. They are read once and never laid out anew: a layout takes a second, and is the same each time.
 * Throws what the file system throws.
 */
export function readRenderedCharts(folder: string): ReadonlyMap<string, RenderedChart> {
  const machines = readdirSync(folder)
    .filter((file) => file.endsWith('.svg'))
    .map((file) => basename(file, '.svg'))
  const textOf = (machine: string, extension: string) => readFileSync(join(folder, `${machine}.${extension}`), 'utf8')
  return new Map(
    machines.map((machine) => {
      const plainSvg = textOf(machine, 'svg')
      const definition = textOf(machine, 'json')
      // There are few states: each is drawn once.
      const svgByPath = new Map<string, string>()
      const svg = (path?: string) => {
        if (path === undefined) return plainSvg
        const text = svgByPath.get(path) ?? highlightState(plainSvg, path)
        return svgByPath.set(path, text) && text
      }
      const { description = '' } = Object(JSON.parse(definition))
      return [machine, { machine, description: String(description), definition, mermaid: textOf(machine, 'mmd'), svg }]
    }),
  )
}
