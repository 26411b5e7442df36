import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { highlightState } from './svg.ts'

/** A machine's chart as `npm run charts` wrote it. */
export interface RenderedChart {
  readonly machine: string
  readonly description: string
  /** The definition, as JSON text. */
  readonly definition: string
  readonly mermaid: string
  /** The SVG, with the state at `path` highlighted if one is given. */
  svg(path?: string): string
}

/**
 * Reads every chart in `folder`, by machine. Charts are not laid out at run time: a layout takes a second and never changes. Throws if
 * a file cannot be read.
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
      // Few states, so each one's SVG is cached.
      const svgByPath = new Map<string, string>()
      const svg = (path?: string) => {
        if (path === undefined) return plainSvg
        const text = svgByPath.get(path) ?? highlightState(plainSvg, path)
        return svgByPath.set(path, text) && text
      }
      return [
        machine,
        { machine, description: descriptionIn(definition), definition, mermaid: textOf(machine, 'mmd'), svg },
      ]
    }),
  )
}

function descriptionIn(definition: string): string {
  const parsed: unknown = JSON.parse(definition)
  return typeof parsed === 'object' && parsed !== null && 'description' in parsed ? String(parsed.description) : ''
}
