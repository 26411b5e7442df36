import type { DocumentPath } from './document-path.ts'

/** What keeps a template from being used. It stops the start, so it says what to do about it. */
export interface TemplateProblem {
  readonly file: string
  /** 1-based; `null` when it is about the file or folder as a whole. */
  readonly line: number | null
  /** What is wrong, as a clause: `\`image\` is missing`. */
  readonly reason: string
  /** What to do, as a sentence. */
  readonly remedy: string
}

/** The same while its file is being read: a place in it instead of a line. */
export interface FieldProblem {
  readonly path: DocumentPath
  readonly reason: string
  readonly remedy: string
}

/** A field that was read, means nothing here, and does no harm. */
export interface IgnoredField {
  readonly template: string
  readonly file: string
  readonly line: number
  /** As it would be written in code: `features`, `forwardPorts[1]`. */
  readonly field: string
}

/** The problems for a terminal, one a line, as compilers write them: `file:line: reason. Remedy.` */
export function describeTemplateProblems(problems: readonly TemplateProblem[]): string {
  return problems
    .map(({ file, line, reason, remedy }) => `${file}${line === null ? '' : `:${line}`}: ${reason}. ${remedy}`)
    .join('\n')
}
