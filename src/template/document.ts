import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'
import type { Path } from './path.ts'

/** A JSON document that still knows on which line each of its values stands. */
export interface Document {
  readonly value: unknown
  /** The 1-based line of what `path` names, or of the nearest thing around it that is there. */
  lineOf(path: Path): number
}

/** Why a text is no document. */
export interface Flaw {
  readonly line: number
  readonly reason: string
  readonly remedy: string
}

const maxCharacters = 256 * 1024

/** What a text is read as. */
export type Parsing =
  | { readonly kind: 'parsed'; readonly document: Document }
  | { readonly kind: 'broken'; readonly flaws: readonly Flaw[] }

/**
 * Reads JSON with comments and trailing commas. A key that stands twice is a flaw: readers differ in which of the two counts, so what
 * one of them has checked another would not use. At most one flaw of syntax per line, since one mistake leads to many.
 */
export function parseDocument(text: string): Parsing {
  if (text.length > maxCharacters) {
    return broken(1, `it has ${text.length} characters`, `Keep it below ${maxCharacters}.`)
  }
  try {
    return parse(text)
  } catch (error) {
    // The parser calls itself for each level and has no limit of its own.
    if (error instanceof RangeError) return broken(1, 'it is nested too deeply', 'Take levels out.')
    throw error
  }
}

function parse(text: string): Parsing {
  const line = lines(text)
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { allowTrailingComma: true })
  if (errors.length > 0 || root === undefined) return { kind: 'broken', flaws: syntaxFlaws(errors, line) }
  const flaws = [...keyFlaws(root, line)]
  if (flaws.length > 0) return { kind: 'broken', flaws }
  const lineOf = (path: Path) => line(nearest(root, path).offset)
  return { kind: 'parsed', document: { value: getNodeValue(root), lineOf } }
}

function broken(line: number, reason: string, remedy: string): Parsing {
  return { kind: 'broken', flaws: [{ line, reason, remedy }] }
}

function lines(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split(/\r\n|\n|\r/).length
}

function syntaxFlaws(errors: readonly ParseError[], line: (offset: number) => number): Flaw[] {
  const first = new Map<number, ParseError>()
  for (const error of errors) {
    const at = line(error.offset)
    if (!first.has(at)) first.set(at, error)
  }
  const remedy = 'Correct the syntax: JSON, in which comments and trailing commas are allowed.'
  return [...first].map(([at, { error }]) => ({ line: at, reason: `it is no JSON (${inWords(error)})`, remedy }))
}

/** `CommaExpected` as `comma expected`. */
function inWords(error: ParseError['error']): string {
  return printParseErrorCode(error)
    .replaceAll(/\B[A-Z]/g, (capital) => ` ${capital}`)
    .toLowerCase()
}

function* keyFlaws(node: Node, line: (offset: number) => number): Generator<Flaw> {
  const seen = new Map<string, number>()
  for (const child of node.children ?? []) {
    const [key, value] = child.type === 'property' ? (child.children ?? []) : [undefined, child]
    if (key !== undefined) {
      const name = String(key.value)
      const at = line(key.offset)
      const before = seen.get(name)
      if (before !== undefined)
        yield { line: at, reason: `\`${name}\` stands here and on line ${before}`, remedy: 'Keep one.' }
      // Assigning to it sets an object's prototype: the value would be lost without a word.
      if (name === '__proto__') yield { line: at, reason: `\`${name}\` cannot be a name`, remedy: 'Use another name.' }
      seen.set(name, at)
    }
    if (value !== undefined) yield* keyFlaws(value, line)
  }
}

function nearest(root: Node, path: Path): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length))
    if (node !== undefined) return node
  }
  return root
}
