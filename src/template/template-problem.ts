import type { DocumentPath } from './document-path.ts'

/** A problem that makes a template unusable. It prevents the service from starting, so it includes a remedy. */
export interface TemplateProblem {
  readonly file: string
  /** 1-based; `null` if the problem concerns the whole file or folder. */
  readonly line: number | null
  /** A clause: `\`image\` is missing`. */
  readonly reason: string
  /** A sentence. */
  readonly remedy: string
}

/** A problem with a path in its document instead of a line. */
export interface FieldProblem {
  readonly path: DocumentPath
  readonly reason: string
  readonly remedy: string
}

/** A field that is not supported and does no harm. */
export interface IgnoredField {
  readonly template: string
  readonly file: string
  readonly line: number
  /** As code: `features`, `forwardPorts[1]`. */
  readonly field: string
}

/** Formats problems for a terminal, one per line, in the style of compilers: `file:line: reason. Remedy.` */
export function describeTemplateProblems(problems: readonly TemplateProblem[]): string {
  return problems
    .map(({ file, line, reason, remedy }) => `${file}${line === null ? '' : `:${line}`}: ${reason}. ${remedy}`)
    .join('\n')
}
