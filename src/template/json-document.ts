import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'
import type { DocumentPath } from './document-path.ts'

/** A JSON document that still knows on which line each of its values stands. */
export interface JsonDocument {
  readonly value: unknown
  /** The 1-based line of what `path` names, or of the nearest thing around it that is there. */
  lineOf(path: DocumentPath): number
}

/** Why a text is no document. */
export interface DocumentProblem {
  readonly line: number
  readonly reason: string
  readonly remedy: string
}

const maxCharacters = 256 * 1024

/** What a text is read as. */
export type DocumentParseResult =
  | { readonly kind: 'parsed'; readonly document: JsonDocument }
  | { readonly kind: 'broken'; readonly problems: readonly DocumentProblem[] }

/**
 * Reads JSON with comments and trailing commas. A key that stands twice is a flaw: readers differ in which of the two counts, so what
 * one of them has checked another would not use. At most one flaw of syntax per line, since one mistake leads to many.
 */
export function parseDocument(text: string): DocumentParseResult {
  if (text.length > maxCharacters) {
    return invalid(1, `it has ${text.length} characters`, `Keep it below ${maxCharacters}.`)
  }
  try {
    return parse(text)
  } catch (error) {
    // The parser calls itself for each level and has no limit of its own.
    if (error instanceof RangeError) return invalid(1, 'it is nested too deeply', 'Take levels out.')
    throw error
  }
}

function parse(text: string): DocumentParseResult {
  const lineAt = lineCounter(text)
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { allowTrailingComma: true })
  if (errors.length > 0 || root === undefined) return { kind: 'broken', problems: syntaxProblems(errors, lineAt) }
  const problems = [...keyProblems(root, lineAt)]
  if (problems.length > 0) return { kind: 'broken', problems }
  const lineOf = (path: DocumentPath) => lineAt(nearestNode(root, path).offset)
  return { kind: 'parsed', document: { value: getNodeValue(root), lineOf } }
}

function invalid(line: number, reason: string, remedy: string): DocumentParseResult {
  return { kind: 'broken', problems: [{ line, reason, remedy }] }
}

function lineCounter(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split(/\r\n|\n|\r/).length
}

function syntaxProblems(errors: readonly ParseError[], lineAt: (offset: number) => number): DocumentProblem[] {
  const firstPerLine = new Map<number, ParseError>()
  for (const error of errors) {
    const lineNumber = lineAt(error.offset)
    if (!firstPerLine.has(lineNumber)) firstPerLine.set(lineNumber, error)
  }
  const remedy = 'Correct the syntax: JSON, in which comments and trailing commas are allowed.'
  return [...firstPerLine].map(([lineNumber, { error }]) => ({
    line: lineNumber,
    reason: `it is no JSON (${describeParseError(error)})`,
    remedy,
  }))
}

/** `CommaExpected` as `comma expected`. */
function describeParseError(error: ParseError['error']): string {
  return printParseErrorCode(error)
    .replaceAll(/\B[A-Z]/g, (capital) => ` ${capital}`)
    .toLowerCase()
}

function* keyProblems(node: Node, lineAt: (offset: number) => number): Generator<DocumentProblem> {
  const lineByKey = new Map<string, number>()
  for (const child of node.children ?? []) {
    const [key, value] = child.type === 'property' ? (child.children ?? []) : [undefined, child]
    if (key !== undefined) {
      const name = String(key.value)
      const lineNumber = lineAt(key.offset)
      const firstLine = lineByKey.get(name)
      if (firstLine !== undefined)
        yield { line: lineNumber, reason: `\`${name}\` stands here and on line ${firstLine}`, remedy: 'Keep one.' }
      // Assigning to it sets an object's prototype: the value would be lost without a word.
      if (name === '__proto__')
        yield { line: lineNumber, reason: `\`${name}\` cannot be a name`, remedy: 'Use another name.' }
      lineByKey.set(name, lineNumber)
    }
    if (value !== undefined) yield* keyProblems(value, lineAt)
  }
}

function nearestNode(root: Node, path: DocumentPath): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length))
    if (node !== undefined) return node
  }
  return root
}
