import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'
import type { DocumentPath } from './document-path.ts'

/** A JSON document with the line of each value. */
export interface JsonDocument {
  readonly value: unknown
  /** The 1-based line of the value at `path`, or of its nearest existing parent. */
  lineOf(path: DocumentPath): number
}

/** A reason why a text is not a valid document. */
export interface DocumentProblem {
  readonly line: number
  readonly reason: string
  readonly remedy: string
}

const maxCharacters = 256 * 1024

export type DocumentParseResult =
  | { readonly kind: 'ok'; readonly document: JsonDocument }
  | { readonly kind: 'invalid'; readonly problems: readonly DocumentProblem[] }

/**
 * Parses JSON with comments and trailing commas. A duplicate key is a problem: parsers differ in which of the two they use, so a checked
 * value might not be the one in effect. Reports at most one syntax problem per line, because one mistake causes many.
 */
export function parseDocument(text: string): DocumentParseResult {
  if (text.length > maxCharacters) {
    return invalid(1, `the file has ${text.length} characters`, `Keep it below ${maxCharacters}.`)
  }
  try {
    return parse(text)
  } catch (error) {
    // The parser is recursive and has no depth limit.
    if (error instanceof RangeError) return invalid(1, 'the file is nested too deeply', 'Remove levels.')
    throw error
  }
}

function parse(text: string): DocumentParseResult {
  const lineAt = lineCounter(text)
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { allowTrailingComma: true })
  if (errors.length > 0 || root === undefined) return { kind: 'invalid', problems: syntaxProblems(errors, lineAt) }
  const problems = [...keyProblems(root, lineAt)]
  if (problems.length > 0) return { kind: 'invalid', problems }
  const lineOf = (path: DocumentPath) => lineAt(nearestNode(root, path).offset)
  return { kind: 'ok', document: { value: getNodeValue(root), lineOf } }
}

function invalid(line: number, reason: string, remedy: string): DocumentParseResult {
  return { kind: 'invalid', problems: [{ line, reason, remedy }] }
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
  const remedy = 'Correct the syntax. Comments and trailing commas are allowed.'
  return [...firstPerLine].map(([lineNumber, { error }]) => ({
    line: lineNumber,
    reason: `the file is not valid JSON (${describeParseError(error)})`,
    remedy,
  }))
}

/** Turns `CommaExpected` into `comma expected`. */
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
        yield { line: lineNumber, reason: `\`${name}\` is defined here and on line ${firstLine}`, remedy: 'Keep one.' }
      // Assigning to `__proto__` sets the object's prototype and loses the value silently.
      if (name === '__proto__')
        yield { line: lineNumber, reason: `\`${name}\` is not allowed as a name`, remedy: 'Use another name.' }
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
